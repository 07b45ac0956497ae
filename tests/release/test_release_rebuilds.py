"""The word of others who built the same: asked for, kept, shown; and what counts for nothing."""

from __future__ import annotations

import json
from pathlib import Path

from glassmaster.inputs.lock import Lock
from glassmaster.release.artefacts import digest_of, files_below, is_built
from glassmaster.release.rebuild import Compared, Rebuilt
from glassmaster.release.rebuilds import statement, write_statement
from glassmaster.release.verify import verify_directory
from tests.release.conftest import Released, make_key


def state(folder: Path, who: str, key: Path, *, other: str = "") -> None:
    """A statement as `doit rebuild` makes it. other: a file that came out otherwise."""
    digests = {name: digest_of(folder / name) for name in files_below(folder) if is_built(name)}
    files = tuple(Compared(name, item.sha256, "x" if name == other else item.sha256) for name, item in digests.items())
    release_id = json.loads((folder / "release.json").read_text())["release_id"]
    rebuilt = Rebuilt("standin", release_id, files, digests, Lock("standin", {}, ()))
    (folder / "rebuilds").mkdir(exist_ok=True)
    write_statement(statement(rebuilt, digest_of(folder / "provenance.json")), folder / "rebuilds", who, key)


def test_others_have_to_have_built_it(released: Released, tmp_path: Path, another_key: Path) -> None:
    signers = tmp_path / "rebuilders"
    friend, stranger = make_key(tmp_path, "friend"), another_key
    signers.write_text(f"glassmaster {friend.with_name('friend.pub').read_text()}{released.signers.read_text()}")
    wanted = ("release", "rebuilds=1", f"signers={signers}")
    result = released.doit(*wanted)
    assert result.returncode == 1 and "1 have to have built it again, 0 did: nobody" in result.stdout, result.stdout
    state(released.folder, "stranger", stranger)
    result = released.doit(*wanted)
    assert result.returncode == 1 and "0 did" in result.stdout and "not signed by one of" in result.stdout
    state(released.folder, "friend", friend)
    result = released.doit(*wanted)
    assert result.returncode == 0, result.stdout
    assert {path.name for path in (released.folder / "rebuilds").iterdir()} == {
        "friend.json", "friend.json.sig", "stranger.json", "stranger.json.sig",
    }  # fmt: skip
    assert "Others who built the same" in (released.folder / "index.html").read_text()
    checked = verify_directory(released.folder, signers)
    assert checked.problems == () and checked.checks[-1].what.endswith(": friend")
    assert "stranger.json" in checked.checks[-1].skipped
    state(released.folder, "friend", friend, other="dom0.iso")
    assert verify_directory(released.folder, signers).checks[-1].what.endswith("nobody whose word counts")


def test_what_is_asked_wrongly(released: Released) -> None:
    for words, why in ((["rebuilds=x"], "expected a number"), (["rebuilds=1"], "must say whose word counts")):
        result = released.doit("release", *words)
        assert result.returncode == 3 and why in result.stdout and "Traceback" not in result.stdout, result.stdout
