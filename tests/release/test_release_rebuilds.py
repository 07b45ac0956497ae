"""The word of others who built the same: asked for, kept, shown; and what counts for nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from glassmaster.inputs.lock import Lock
from glassmaster.release.artefacts import digest_of, files_below, is_built
from glassmaster.release.rebuild import Compared, Rebuilt
from glassmaster.release.rebuilds import statement, write_statement
from glassmaster.release.verify import verify_directory
from tests.release.conftest import Released, make_key, signers_for
from tests.release.test_release_rebuild import somebody


def state(folder: Path, who: str, key: Path, *, other: str = "") -> None:
    """A statement as `doit rebuild` makes it. other: a file that came out otherwise."""
    digests = {name: digest_of(folder / name) for name in files_below(folder) if is_built(name)}
    files = tuple(Compared(name, item.sha256, "x" if name == other else item.sha256) for name, item in digests.items())
    release_id = json.loads((folder / "release.json").read_text())["release_id"]
    rebuilt = Rebuilt("standin", release_id, files, digests, Lock("standin", {}, ()))
    (folder / "rebuilds").mkdir(exist_ok=True)
    write_statement(statement(rebuilt, digest_of(folder / "provenance.json")), folder / "rebuilds", who, key)


@pytest.mark.slow
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
        for command in (["release"], ["publish", "www"]):
            result = released.doit(*command, *words)
            assert result.returncode == 3 and why in result.stdout and "Traceback" not in result.stdout, result.stdout


@pytest.mark.slow
def test_from_a_staging_place_to_the_public_one(released: Released, tmp_path: Path) -> None:
    """As docs/reproducibility.md tells it: staged, built again by others from there, published with their word."""
    friend, signers = make_key(tmp_path, "friend"), tmp_path / "both"
    signers.write_text(released.signers.read_text() + signers_for(friend, tmp_path / "friends").read_text())
    staging, www, words = tmp_path / "staging", tmp_path / "www", tmp_path / "words"
    assert released.doit("publish", str(staging), f"signers={signers}").returncode == 0
    public = ("publish", str(www), f"signers={signers}", "rebuilds=1")
    result = released.doit(*public)
    assert result.returncode == 1 and "1 have to have built it again, 0 did: nobody" in result.stdout, result.stdout
    assert not www.exists()

    result = somebody(released, tmp_path).doit(
        "rebuild", f"{staging}/standin/latest", f"signers={released.signers}", "who=friend", f"output={words}",
        environment={"GLASSMASTER_SIGNING_KEY": str(friend)},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    shutil.copytree(words, released.folder / "rebuilds")

    result = released.doit(*public)
    assert result.returncode == 0 and "built again, with the same bytes: friend" in result.stdout, result.stdout
    release_id = (www / "standin/latest").read_text().strip()
    assert {path.name for path in (www / "standin" / release_id / "rebuilds").iterdir()} == {
        "friend.json", "friend.json.sig",
    }  # fmt: skip
    # It is the release that they built from, to the byte.
    assert (www / f"standin/{release_id}/SHA512").read_bytes() == (
        staging / f"standin/{release_id}/SHA512"
    ).read_bytes()
    result = released.doit("verify", f"{www}/standin/latest", f"signers={signers}")
    assert result.returncode == 0 and "with the same bytes: friend" in " ".join(result.stdout.split()), result.stdout
    # One who was not there is missed, and statements about other bytes do not count.
    result = released.doit("publish", str(tmp_path / "more"), f"signers={signers}", "rebuilds=2")
    assert result.returncode == 1 and "2 have to have built it again, 1 did: friend" in result.stdout
    state(released.folder, "friend", friend, other="dom0.iso")
    result = released.doit("publish", str(tmp_path / "more"), f"signers={signers}", "rebuilds=1")
    assert result.returncode == 1 and "says itself that it is not the same" in result.stdout, result.stdout
    assert not (tmp_path / "more").exists()
