"""Pkgsets: read like recipes, each package with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.choice import Wanted
from glassmaster.inputs.pkgsrc.pkgsets import load_pkgset, wanted_by

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty pkgsets/ to stand beside."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pkgsets").mkdir()


def write(name: str, text: str) -> None:
    Path("pkgsets", f"{name}.yaml").write_text(text, encoding="utf-8")


def refused(text: str) -> str:
    write("x", text)
    with pytest.raises(GlassmasterError) as caught:
        load_pkgset("x")
    return str(caught.value)


def test_names_patterns_and_reasons() -> None:
    write("x", "description: d\npackages:\n  sudo>=1.9: to be root\n  screen:\n  '{a,b}-[0-9]*': one of them\n")
    pkgset = load_pkgset("x")
    assert pkgset.description == "d"
    assert pkgset.wanted == (
        Wanted("sudo>=1.9", "pkgsets/x.yaml:3", "x", "to be root"),
        Wanted("screen", "pkgsets/x.yaml:4", "x", ""),
        Wanted("{a,b}-[0-9]*", "pkgsets/x.yaml:5", "x", "one of them"),
    )
    assert str(pkgset.wanted[0]) == "x wants sudo>=1.9 (pkgsets/x.yaml:3)"


def test_what_is_extended_comes_first_and_keeps_its_places() -> None:
    write("base", "description: b\npackages:\n  sudo: theirs\n  screen: theirs\n")
    write("x", "description: d\nextends: base.yaml\npackages:\n  more: ours\n  sudo: ours\n")
    pkgset = load_pkgset("x")
    assert [(item.pattern, item.where, item.reason) for item in pkgset.wanted] == [
        ("sudo", "pkgsets/x.yaml:5", "ours"),
        ("screen", "pkgsets/base.yaml:4", "theirs"),
        ("more", "pkgsets/x.yaml:4", "ours"),
    ]
    assert pkgset.files == (Path("pkgsets/x.yaml"), Path("pkgsets/base.yaml"))
    assert [item.pattern for item in wanted_by(["base", "x"])] == ["sudo", "screen", "sudo", "screen", "more"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("description: d\n", "pkgsets/x.yaml:1: packages: is missing"),
        ("description: d\npackages: [sudo]\n", "pkgsets/x.yaml:2: packages: expected `key: value` lines"),
        ("description: d\npakages:\n  sudo:\n", "did you mean packages?"),
        ("description: d\npackages:\n  sudo:\n  sudo:\n", "pkgsets/x.yaml:4: sudo: stands twice"),
        ("description: d\npackages:\n  sudo:\n  su do: x\n", "pkgsets/x.yaml:4: packages: 'su do' is no pattern"),
        ("description: d\npackages:\n  '{a': x\n", "pkgsets/x.yaml:3: packages: '{a' is no pattern"),
        ('description: d\npackages:\n  a: "x\\ny"\n', "one line"),
        ("description: d\nextends: x.yaml\npackages:\n  a:\n", "leads back to"),
        ("description: d\nextends: none.yaml\npackages:\n  a:\n", "pkgsets/x.yaml:2: extends: there is no file"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    assert message in refused(text)


def test_a_pkgset_that_is_not_there() -> None:
    write("dom0-core", "description: d\npackages:\n  a:\n")
    with pytest.raises(GlassmasterError, match="no pkgset 'dom0-cor'") as caught:
        load_pkgset("dom0-cor")
    assert caught.value.hint == "did you mean dom0-core?"
    with pytest.raises(GlassmasterError, match="cannot be a pkgset's name"):
        load_pkgset("../x")


def test_our_own_pkgsets_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TOP)
    names = sorted(path.stem for path in Path("pkgsets").glob("*.yaml") if path.stem != "uids")
    assert "dom0-core" in names
    for name in names:
        assert all(item.reason for item in load_pkgset(name).wanted), name
    wanted = {item.pattern for item in load_pkgset("dom0-core").wanted}
    assert wanted >= {"sudo", "subversion-base", "screen"}
