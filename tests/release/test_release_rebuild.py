"""A third party builds a release again from nothing but its files, and says so with a key of its own."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import Lock
from glassmaster.release.artefacts import PROVENANCE, SOURCE, Digest, digest_of
from glassmaster.release.provenance import subjects_of
from glassmaster.release.rebuild import Compared, Rebuilt, asked, build_command, unpack_source
from glassmaster.release.rebuilds import PREDICATE, require_rebuilds, statement, words_of, write_statement
from glassmaster.release.signing import verify
from tests.build.conftest import Clone
from tests.release.conftest import make_key, signers_for
from tests.release.test_release_verify_command import web

if TYPE_CHECKING:
    from tests.release.conftest import Released

DIGESTS = {"dom0.iso": Digest(1, "a" * 64, "b" * 128), "domu/x.img": Digest(1, "c" * 64, "d" * 128)}
ARTEFACTS = {name: digest.sha256 for name, digest in DIGESTS.items()}


def somebody(released: Released, tmp_path: Path) -> Clone:
    """Another clone of nothing but our code, with an empty store of its own: its apt and mirror are this machine's."""
    store = tmp_path / "their-store"
    shutil.copytree(released.clone.store / "sha512", store / "sha512")
    return Clone(released.clone.path, store)


@pytest.mark.slow
def test_a_release_is_built_again_and_stated(released: Released, tmp_path: Path) -> None:
    key = make_key(tmp_path, "their-key")
    done = somebody(released, tmp_path).doit(
        "rebuild", "out/standin/release", f"signers={released.signers}", "who=example.net", f"output={tmp_path}/words",
        environment={"GLASSMASTER_SIGNING_KEY": str(key)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    names = set(subjects_of(json.loads((released.folder / PROVENANCE).read_text()), ""))
    assert {SOURCE, "dom0.iso", "kernel", "domu/small.img", "domu/small.img.gz", "standin.lock"} <= names
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {line[0] for line in lines if line[1:] == ["identical"]} == names
    assert f"{len(names)} of {len(names)} files identical" in done.stdout
    said = tmp_path / "words" / "example.net.json"
    verify(said, signers_for(key, tmp_path / "their-signers"))
    document = json.loads(said.read_text())
    assert document["predicateType"] == PREDICATE and document["predicate"]["identical"] is True
    assert document["predicate"]["release"]["provenance"]["sha256"] == digest_of(released.folder / PROVENANCE).sha256
    found = words_of(
        tmp_path / "words", tmp_path / "their-signers", {"dom0.iso": digest_of(released.folder / "dom0.iso").sha256}
    )
    assert [word.who for word in found.good] == ["example.net"] and found.problems == ()


@pytest.mark.slow
def test_the_latest_of_a_web_server_is_built_again(released: Released, tmp_path: Path) -> None:
    """As the example of `rebuild --help` has it."""
    www = tmp_path / "www/standin"
    www.mkdir(parents=True)
    shutil.copytree(released.folder, www / "0123456789ab")
    (www / "latest").write_text("0123456789ab\n")
    key = make_key(tmp_path, "their-key")
    with web(www) as url:
        done = somebody(released, tmp_path).doit(
            "rebuild", f"{url}/latest", f"signers={released.signers}", "who=me",
            environment={"GLASSMASTER_SIGNING_KEY": str(key)},
        )  # fmt: skip
    assert done.returncode == 0 and "files identical" in done.stdout, done.stdout
    # For a URL the statement is put where the user stands.
    verify(released.clone.path / "rebuilds/me.json", signers_for(key, tmp_path / "their-signers"))


@pytest.mark.slow
def test_one_that_is_not_what_its_source_makes_is_told(released: Released, tmp_path: Path) -> None:
    # What was handed over is not what the source makes, whoever signed it.
    document = json.loads((released.folder / PROVENANCE).read_text())
    for subject in document["subject"]:
        if subject["name"] == "kernel.config":
            subject["digest"]["sha256"] = "0" * 64
    from glassmaster.inputs.store import Store
    from glassmaster.release.rebuild import rebuild

    folder = tmp_path / "release"
    folder.mkdir()
    shutil.copyfile(released.folder / SOURCE, folder / SOURCE)
    (folder / PROVENANCE).write_text(json.dumps(document))
    (tmp_path / "work").mkdir()
    result = rebuild(folder, tmp_path / "work", Store(released.clone.store))
    assert not result.identical
    assert [item.name for item in result.files if not item.identical] == ["kernel.config"]
    said = statement(result, digest_of(folder / PROVENANCE))
    assert said["predicate"]["differing"] == ["kernel.config"] and said["predicate"]["identical"] is False


def test_whose_code_is_run_has_to_be_said(released: Released) -> None:
    done = released.doit("rebuild", "out/standin/release")
    assert done.returncode == 3 and "rebuild runs the code that comes with the release" in done.stdout
    assert "signers=FILE" in done.stdout and "unsigned=yes" in done.stdout


def test_a_release_that_is_not_good_is_not_built(released: Released, another_key: Path, tmp_path: Path) -> None:
    theirs = signers_for(another_key, tmp_path / "signers")
    done = released.doit("rebuild", "out/standin/release", f"signers={theirs}")
    assert done.returncode == 3 and "not a good release, so it is not built" in done.stdout
    (released.folder / "dom0.iso").write_bytes(b"")
    done = released.doit("rebuild", "out/standin/release", "unsigned=yes")
    assert done.returncode == 3 and "dom0.iso" in done.stdout and "building it again" not in done.stdout


# ---- the source


def archive(path: Path, *members: tuple[str, str, str]) -> Path:
    """A source.tar.gz of (name, kind, content or link)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "fifo": tarfile.FIFOTYPE}[kind]
            info.linkname = content if kind == "link" else ""
            info.size = len(content) if kind == "file" else 0
            info.mode = 0o755 if content.startswith("#!") else 0o644
            tar.addfile(info, io.BytesIO(content.encode()))
    return path


def test_a_source_is_unpacked_with_modes_and_links(tmp_path: Path) -> None:
    members = (
        ("r-1/doit", "file", "#!/bin/sh"),
        ("r-1/overlays/x/etc/hosts", "link", "/config/hosts"),
        ("r-1/a", "file", ""),
    )
    top = unpack_source(archive(tmp_path / "s", *members), tmp_path / "work")
    assert top == tmp_path / "work" / "r-1" and (top / "doit").stat().st_mode & 0o777 == 0o755
    assert (top / "overlays/x/etc/hosts").readlink() == Path("/config/hosts") and (top / "a").read_bytes() == b""


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ([("r/../../x", "file", "")], "not a name below"),
        ([("/etc/x", "file", "")], "not a name below"),
        ([("r/p", "fifo", "")], "neither a file nor a symbolic link"),
        ([("r/x", "file", ""), ("s/x", "file", "")], "2 top directories"),
        ([], "0 top directories"),
        ([("r/x", "file", "1"), ("r/x", "file", "2")], "cannot be"),
        ([("r/l", "link", "/tmp"), ("r/l/x", "file", "")], "cannot be"),
    ],
)
def test_nothing_is_written_elsewhere(tmp_path: Path, members: list[tuple[str, str, str]], what: str) -> None:
    with pytest.raises(GlassmasterError, match=what):
        unpack_source(archive(tmp_path / "s", *members), tmp_path / "work")
    assert {path.name for path in tmp_path.iterdir()} <= {"s", "work"}


def test_a_damaged_source_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "s", ("r/x", "file", "x" * 5000))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(GlassmasterError, match="cannot be unpacked"):
        unpack_source(path, tmp_path / "work")


def test_the_build_is_by_the_lock_and_with_a_store_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from glassmaster.inputs.store import Store

    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = build_command(Path("/w/r"), "recipes/x.yaml", Store(Path("/w/store")), {"SOURCE_DATE_EPOCH": "7"})
    assert command.argv[1:] == (
        "-m", "glassmaster", "run", "--reporter", "plain", "iso", "domu", "recipe=recipes/x.yaml", "locked=yes",
    )  # fmt: skip
    assert command.directory == Path("/w/r")
    assert command.environment == {"SOURCE_DATE_EPOCH": "7", "GLASSMASTER_STORE": "/w/store"}


# ---- provenances


def edited(released: Released, tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads((released.folder / PROVENANCE).read_text())
    change(document)
    path = tmp_path / PROVENANCE
    path.write_text(json.dumps(document))
    return path


def test_what_a_provenance_asks_for(released_once: Released, tmp_path: Path) -> None:
    found = asked(released_once.folder / PROVENANCE)
    assert (found.recipe, found.recipe_file, found.repository, found.epoch) == (
        "standin",
        "recipes/standin.yaml",
        ".",
        None,
    )

    def other_epoch(document: dict[str, Any]) -> None:
        given = document["predicate"]["buildDefinition"]["externalParameters"]
        given["epoch"], given["overrides"]["epoch"] = 1800000000, "SOURCE_DATE_EPOCH"

    assert asked(edited(released_once, tmp_path, other_epoch)).epoch == 1800000000


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("predicate"),
        lambda document: document["predicate"]["buildDefinition"]["externalParameters"].pop("recipeFile"),
        lambda document: document["predicate"]["buildDefinition"].update(internalParameters=[]),
        lambda document: document["predicate"]["buildDefinition"]["externalParameters"].update(recipe="../outside"),
        lambda document: document["predicate"]["buildDefinition"]["externalParameters"].update(recipe=""),
    ],
)
def test_one_that_does_not_say_how_is_an_error(
    released_once: Released, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(GlassmasterError, match="does not say how to build it again"):
        asked(edited(released_once, tmp_path, change))


# ---- statements


def rebuilt(**other: str) -> Rebuilt:
    files = tuple(Compared(name, sha256, other.get(name, sha256)) for name, sha256 in ARTEFACTS.items())
    return Rebuilt("r", "0" * 12, files, DIGESTS, Lock("r", {}, ()))


def states(folder: Path, who: str, key: Path, result: Rebuilt | None = None) -> Path:
    return write_statement(statement(result or rebuilt(), Digest(1, "e" * 64, "f" * 128)), folder, who, key)


@pytest.fixture
def keys(tmp_path: Path) -> list[Path]:
    return [make_key(tmp_path, f"key-{number}") for number in range(3)]


@pytest.fixture
def signers(keys: list[Path], tmp_path: Path) -> Path:
    """The first two are allowed."""
    path = tmp_path / "signers"
    path.write_text("".join(signers_for(key, tmp_path / "one").read_text() for key in keys[:2]))
    return path


def test_statements_by_two_keys_are_two(tmp_path: Path, keys: list[Path], signers: Path) -> None:
    for who, key in zip(("a.example", "b.example"), keys, strict=False):
        states(tmp_path / "words", who, key)
    found = require_rebuilds(2, tmp_path / "words", signers, ARTEFACTS)
    assert [word.who for word in found.good] == ["a.example", "b.example"]
    assert len({word.key for word in found.good}) == 2


def test_what_does_not_count(tmp_path: Path, keys: list[Path], signers: Path) -> None:
    words = tmp_path / "words"
    states(words, "a-good", keys[0])
    states(words, "b-same-key", keys[0])
    states(words, "c-stranger", keys[2])
    changed = states(words, "d-changed", keys[1])
    changed.write_text(changed.read_text().replace('"r"', '"s"'))
    states(words, "e-different", keys[1], rebuilt(**{"dom0.iso": "0" * 64}))
    states(words, "f-unsigned", keys[1]).with_name("f-unsigned.json.sig").unlink()
    (words / "g-nonsense.json").write_text("[]")
    with pytest.raises(GlassmasterError, match="2 have to have built it again, 1 did: a-good") as error:
        require_rebuilds(2, words, signers, ARTEFACTS)
    reasons = error.value.why.splitlines()
    assert len(reasons) == 6
    for reason, (name, why) in zip(
        reasons,
        [
            ("b-same-key", "by the same key as a-good.json"), ("c-stranger", "not signed by one of"),
            ("d-changed", "not signed by one of"), ("e-different", "says itself that it is not the same"),
            ("f-unsigned", "there is no"), ("g-nonsense", "there is no"),
        ],
        strict=True,
    ):  # fmt: skip
        assert name in reason and why in reason


def test_a_statement_about_other_files_does_not_count(tmp_path: Path, keys: list[Path], signers: Path) -> None:
    states(tmp_path / "words", "a", keys[0])
    other = {**ARTEFACTS, "dom0.iso": "1" * 64}
    assert words_of(tmp_path / "words", signers, other).problems == (
        f"{tmp_path / 'words' / 'a.json'}: another dom0.iso was built / 1 of 2 files",
    )
    more = {**ARTEFACTS, "kernel": "1" * 64}
    assert "no kernel was built" in words_of(tmp_path / "words", signers, more).problems[0]
    assert words_of(tmp_path / "none", signers, ARTEFACTS).good == ()


@pytest.mark.parametrize("who", ["", "a/b", "..", ".x", "a b", "x" * 65])
def test_a_name_has_to_be_that_of_a_file(tmp_path: Path, keys: list[Path], who: str) -> None:
    with pytest.raises(GlassmasterError, match="expected letters"):
        states(tmp_path, who, keys[0])
