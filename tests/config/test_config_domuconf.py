"""domu.conf: the corpus that both readers share, and the two readers against each other on inputs of any kind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from glassmaster.config.domuconf import is_name, read_domuconf
from glassmaster.config.xl import Access, xl_configuration
from glassmaster.errors import GlassmasterError

TESTS = Path(__file__).parents[1]
CORPUS = sorted((TESTS / "domuconf/corpus").glob("*.conf"))
READER = TESTS.parent / "overlays/dom0/libexec/glassmaster/domuconf.sh"

# One dash for many files: standard input has their names, one a line.
READ_ALL = """
set -u
. "$1"
attach_image() {
	images=$((images + 1))
	attached_device=/dev/vnd${images}d
}
while read -r file; do
	images=0
	if domu_read "$file.conf"; then
		domu_xl "$file" >"$file.said"
	else
		printf '%s\\n' "$domu_mistake" >"$file.said"
	fi
done
"""


def attacher() -> Callable[[str, Access], str]:
    """The corpus's hook: vnd1d, vnd2d, in the order in which it is asked."""
    numbers = iter(range(1, 100))
    return lambda path, access: f"/dev/vnd{next(numbers)}d"


def said(data: bytes, name: str) -> str:
    """What our reader makes of a file: the xl configuration, or the mistake."""
    try:
        return xl_configuration(name, read_domuconf(data, f"{name}.conf"), attacher())
    except GlassmasterError as error:
        return f"{error}\n"


@pytest.mark.parametrize("conf", CORPUS, ids=lambda path: path.stem)
def test_the_corpus(conf: Path) -> None:
    xl, mistake = conf.with_suffix(".xl"), conf.with_suffix(".error")
    wanted = (xl if xl.exists() else mistake).read_bytes()
    assert said(conf.read_bytes(), conf.stem).encode() == wanted


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) > 40


KEYS = [
    "memory",
    "vcpus",
    "mac",
    "bridge",
    "root",
    "config",
    "swap",
    "data",
    "kernel",
    "arguments",
    "order",
    "autostart",
]
WORDS = (
    "64", "0", "01", "128", "129", "9999", "10000", "1048576", "1048577", "00000001", "99999999999", "", "yes", "no",
    "00:16:3e:00:00:01", "01:16:3e:00:00:01", "00:16:3E:00:00:01", "::::::", "bridge0", "b" * 15, "b" * 16, "0b",
    "/images/base.img", "/dev/wd0e", "/", "/a/", "/a//b", "/./a", "/a/..", "/..a", "/a.", "/...", "/" + "a" * 199,
    "/" + "a" * 200, "relative", "root=xbd0a -s", "a" * 200, "a" * 201, "$(id)", '"x"', "a\tb", "= =", "#",
)  # fmt: skip
blanks = st.text(" \t", max_size=2)
plain = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
# NUL is left out: no shell can read one.
wild = st.binary(max_size=12).map(lambda data: data.replace(b"\0", b"").replace(b"\n", b"").decode("latin-1"))


@st.composite
def assignments(draw: st.DrawFn) -> str:
    key = draw(st.sampled_from(KEYS) | st.sampled_from(["", "Memory", "mem ory", "memory2"]))
    value = draw(st.sampled_from(WORDS) | plain)
    return draw(blanks) + key + draw(blanks) + draw(st.sampled_from(["=", "=", "=", ""])) + draw(blanks) + value


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Often right up to some line: a reader that stops early must stop for the same reason."""
    start = draw(st.sampled_from([[], ["memory = 64", "root = /images/base.img"], ["memory = 64"]]))
    lines = draw(st.lists(assignments() | st.sampled_from(["", "#", " # x"]) | plain | wild, max_size=6))
    lines += draw(st.sampled_from([[], ["data = /d"] * 8, ["data = /d"] * 9]))
    text = "\n".join([*start, *lines]) + draw(st.sampled_from(["\n", "", "\n\n", " "]))
    return text.encode("latin-1")


@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(files(), min_size=60, max_size=120))
def test_both_readers_say_the_same(tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("domus")
    for number, data in enumerate(contents):
        (folder / f"{number}.conf").write_bytes(data)
    subprocess.run(
        ["dash", "-c", READ_ALL, "sh", READER], cwd=folder, input="".join(f"{n}\n" for n in range(len(contents))),
        text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, timeout=60,
    )  # fmt: skip
    for number, data in enumerate(contents):
        by_sh = (folder / f"{number}.said").read_bytes()
        assert said(data, str(number)).encode("latin-1") == by_sh, data


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    said(data, "x")


def test_it_knows_where_keys_stand() -> None:
    domu = read_domuconf(b"# x\nmemory = 1\n\nroot = /i\ndata = /a\ndata = /b\n", "x")
    assert domu.lines == {"memory": 2, "root": 4, "data": 5}
    assert domu.disks() == (("root", "/i"), ("data", "/a"), ("data", "/b"))


def test_names() -> None:
    names = ["web", "a", "0-9", "x" * 63, "x" * 64, "", "-a", "a.b", "A", "a b", "a/b", "ä", "web\n"]
    assert [name for name in names if is_name(name)] == ["web", "a", "0-9", "x" * 63]
