"""rc.conf: what is understood is what sh would make of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from glassmaster.config.rcconf import Assignment, Problem, parse_rc_conf

DASH = shutil.which("dash") or "dash"
HEADER = "if [ -r /etc/defaults/rc.conf ]; then\n\t. /etc/defaults/rc.conf\nfi\n"


def values(text: str) -> list[tuple[str, str | None, int]]:
    said = list(parse_rc_conf(text))
    assert all(isinstance(item, Assignment) for item in said), said
    return [(item.name, item.value, item.line) for item in said if isinstance(item, Assignment)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("\n# x\n  # y\n", []),
        (HEADER, []),
        (HEADER + "hostname=a.example.org\n", [("hostname", "a.example.org", 4)]),
        ("a=\n", [("a", "", 1)]),
        ("a=1 # one\n\nb='x y'\t#\nc=\"x # y\"", [("a", "1", 1), ("b", "x y", 3), ("c", "x # y", 4)]),
        ("a=x'y'\"z\"\n", [("a", "xyz", 1)]),
        ('a="$b"\n', [("a", None, 1)]),
        ('a="${b} c"\n', [("a", None, 1)]),
        ("a='$b'\n", [("a", "$b", 1)]),
        ('a="one\ntwo"\nb=3\n', [("a", "one\ntwo", 1), ("b", "3", 3)]),
    ],
)
def test_what_is_understood(text: str, wanted: list[tuple[str, str | None, int]]) -> None:
    assert values(text) == wanted


@pytest.mark.parametrize(
    "line",
    ["a=`id`", "a=$(id)", 'a="$(id)"', 'a="`id`"', "a=$b", "a=1;b=2", "a=1 b", "a=1#", "a=~/x", "a=\\x", 'a="\\""',
     'a="${b:-c}"', "export a=1", ". /etc/x", "a=*", "a=x&", "a=1 |", "[ x ]", "1a=x", "a=<x", "a=(1)", "a='x"],
)  # fmt: skip
def test_what_is_not(line: str) -> None:
    assert [type(item) for item in parse_rc_conf(f"{line}\n")] == [Problem]
    assert [item.line for item in parse_rc_conf(f"{HEADER}{line}\nb=1\n")][:2] == [4, 5]


@pytest.mark.parametrize("line", ["a = 1", "a =1", "a= 1"])
def test_blanks_are_mistakes(line: str) -> None:
    assert list(parse_rc_conf(line)) == [Problem(1, "a: blanks beside the = are not allowed", is_mistake=True)]


pieces = st.lists(
    st.sampled_from(["x", "Y9", "{b}", *"'\" \t#$b\\`;=./\n~|^"]),
    max_size=7,
).map("".join)  # fmt: skip
texts = st.lists(pieces.map(lambda text: f"a={text}") | pieces, min_size=1, max_size=3).map("\n".join)

# Not shrunk: that would start thousands of shells. Each file is run in one of its own, if all of it was understood.
RUN_ALL = 'b=B; while read -r file; do ( unset a; . "./$file"; printf %s "${a-unset}" >"$file.said" ); done'


@settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(texts, min_size=200, max_size=300))
def test_sh_has_the_same_values(tmp_path_factory: pytest.TempPathFactory, contents: list[str]) -> None:
    folder: Path = tmp_path_factory.mktemp("rc")
    understood: dict[str, str | None] = {}
    for number, text in enumerate(contents):
        said = list(parse_rc_conf(text))
        last = {item.name: item.value for item in said if isinstance(item, Assignment)}
        if all(isinstance(item, Assignment) for item in said) and set(last) <= {"a"}:
            understood[str(number)] = last.get("a", "unset")
            (folder / str(number)).write_text(text)
    subprocess.run(
        [DASH, "-c", RUN_ALL], cwd=folder, input="".join(f"{name}\n" for name in understood), text=True, check=True,
        env={"PATH": "/nonexistent"}, timeout=60, capture_output=True,
    )  # fmt: skip
    for name, value in understood.items():
        by_sh = (folder / f"{name}.said").read_text()
        assert value is None or value == by_sh, (folder / name).read_text()


@given(st.text(max_size=100))
def test_any_text_is_read(text: str) -> None:
    assert all(item.line <= text.count("\n") + 1 for item in parse_rc_conf(text))
