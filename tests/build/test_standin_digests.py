"""The stand-in is bit for bit what the repository says, or where it cannot say, what a second build makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.build import standin_digests
from tests.build.standin_digests import Digests, digests_of, kept, moved

if TYPE_CHECKING:
    from tests.build.conftest import Clone

UPDATE = "python -m tests.build.standin_digests"
DIGESTS = Digests({"gcc": "12"}, {"dom0.iso": "a", "domu/x.img": "b"}, {"dom0.mtree": {"./etc": "1", "./bin": "2"}})


def require_unmoved(expected: Digests, found: Digests, of_what: str) -> None:
    lines = moved(expected, found)
    assert not lines, "\n".join([f"the stand-in is not what {of_what}", *lines])


def test_the_standin_is_what_the_repository_says(
    built: Clone, fresh: Callable[[Path, int], Clone], record_property: Callable[[str, object], None]
) -> None:
    assert built.doit("domu").returncode == 0
    found = digests_of(built.path)
    expected = kept().get(found.short_key())
    if expected is not None:
        hint = f"the repository says; if that is meant: {UPDATE}, and commit the file with the reason"
        require_unmoved(expected, found, hint)
        return
    # A newer GRUB, Xen or gcc: nobody has written down what it makes, so two builds are compared instead.
    print(f"an unknown key, so two builds were compared; to keep this one: {UPDATE}\n{found.key}")
    record_property("unknown key", str(found.key))
    other = fresh(Path("other"), 0o022)
    done = other.doit("iso", "domu")
    assert done.returncode == 0, done.stdout
    require_unmoved(digests_of(other.path), found, "another build makes")


def test_what_moved_is_said() -> None:
    other = dataclasses.replace(
        DIGESTS, artefacts={"dom0.iso": "c", "domu/y.img": "b"}, entries={"dom0.mtree": {"./etc": "1", "./bin": "3"}}
    )
    assert moved(DIGESTS, other) == [
        "dom0.iso: moved",
        "domu/x.img: gone",
        "domu/y.img: new",
        "  dom0.mtree: ./bin: moved",
    ]
    assert moved(DIGESTS, DIGESTS) == []
    with pytest.raises(AssertionError, match=r"dom0\.iso: moved"):
        require_unmoved(DIGESTS, other, "it should be")


def test_other_keys_are_kept_only_while_ours_did_not_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin_digests, "FILE", tmp_path / "digests.json")
    newer = dataclasses.replace(DIGESTS, key={"gcc": "13"})
    assert "a new key" in standin_digests.write(DIGESTS)[0] and "a new key" in standin_digests.write(newer)[0]
    assert set(kept()) == {DIGESTS.short_key(), newer.short_key()}
    assert standin_digests.write(newer) == ["nothing moved"]
    changed = dataclasses.replace(newer, artefacts={"dom0.iso": "z"})
    assert standin_digests.write(changed) == ["dom0.iso: moved", "domu/x.img: gone"]
    assert kept() == {newer.short_key(): changed}
