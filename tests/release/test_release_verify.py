"""`doit verify` on a good release, and on every kind of tampering."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.release import gzipped, verify_files
from glassmaster.release.artefacts import digest_of, files_below
from glassmaster.release.assemble import write_list
from glassmaster.release.seal import seal
from glassmaster.release.text import as_text
from glassmaster.release.verify import verify_directory
from tests.release.conftest import Released

# As they are in the stand-in's release; one of each kind.
FILES = [
    "SHA512", "diff.json", "diff.md", "dom0.iso", "dom0.mtree", "domu/SHA512", "domu/base.img", "domu/base.img.gz",
    "domu/base.json", "domu/base.mtree", "domu/netbsd-XEN3_DOMU", "kernel", "kernel.config", "kernels/netbsd-XEN3_DOMU",
    "kernels/netbsd-XEN3_DOMU.config", "index.html", "notes.md", "provenance.json", "release.json", "repro.json",
    "sbom.cdx.json",
    "smoke/bios/serial.log", "smoke/smoke.json", "source.tar.gz", "standin.lock",
]  # fmt: skip


def found(folder: Path, signers: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Problems by check."""
    return {check.name: check.problems for check in verify_directory(folder, signers).checks if check.problems}


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON document."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n")


def test_a_good_release(released_once: Released) -> None:
    result = verify_directory(released_once.folder, released_once.signers)
    assert result.problems == ()
    assert all(check.good for check in result.checks), result.checks
    assert [check.name for check in result.checks] == [
        "files", "signature", "readback", "domu", "kernels", "provenance", "sbom", "facts", "smoke", "repro", "diff",
    ]  # fmt: skip


def test_it_needs_no_more_than_the_files_and_the_signers(
    released_once: Released, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(copy, elsewhere)
    monkeypatch.chdir(tmp_path)
    assert found(elsewhere, released_once.signers) == {}


def test_the_list_of_files_above_is_whole(copy: Path) -> None:
    kinds = {name.replace("small", "base") for name in files_below(copy) if not name.endswith(".sig")}
    assert kinds == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_bit_in_any_file(copy: Path, name: str) -> None:
    flip(copy / name)
    problems = found(copy)
    assert "files" in problems
    if name != "SHA512":
        assert any(line.startswith(f"{name}: not the bytes") for line in problems["files"])


# By what else a change is noticed when the list of files was made to fit: not by the signature, which is not asked for.
NOTICED = {
    "dom0.iso": {"readback", "provenance", "sbom", "facts", "smoke", "repro"},
    "dom0.mtree": {"provenance", "facts"},
    "domu/SHA512": {"domu", "provenance", "facts"},
    "domu/base.img": {"domu", "provenance", "sbom", "facts"},
    "domu/base.img.gz": {"domu", "provenance", "facts"},
    "domu/base.json": {"domu", "provenance", "facts"},
    "domu/base.mtree": {"provenance", "facts"},
    "domu/netbsd-XEN3_DOMU": {"provenance", "facts"},
    "kernel": {"kernels", "provenance", "sbom", "facts"},
    "kernel.config": {"kernels", "provenance", "facts"},
    "kernels/netbsd-XEN3_DOMU": {"kernels", "provenance", "sbom", "facts"},
    "source.tar.gz": {"provenance", "facts"},
    "standin.lock": {"provenance", "facts"},
    "sbom.cdx.json": {"provenance", "facts"},
    "provenance.json": {"facts"},
    "release.json": {"facts"},
    "smoke/smoke.json": {"provenance", "facts"},
    "repro.json": {"provenance", "facts"},
    "diff.json": {"provenance", "facts"},
    "notes.md": {"facts"},
}


@pytest.mark.parametrize("name", NOTICED)
def test_a_changed_bit_and_a_list_that_fits(copy: Path, released_once: Released, name: str) -> None:
    flip(copy / name)
    write_list(copy)
    problems = found(copy)
    assert "files" not in problems and NOTICED[name] <= problems.keys(), problems
    assert "signature" in found(copy, released_once.signers)


def _remove(folder: Path) -> None:
    (folder / "kernel.config").unlink()


def _free_room(folder: Path) -> None:
    """Where statements lie, that are no part of the list, nothing else may lie."""
    (folder / "rebuilds/below").mkdir(parents=True)
    for name in FREE_ROOM:
        (folder / "rebuilds" / name).write_text("evil")


def _remove_and_list(folder: Path) -> None:
    _remove(folder)
    write_list(folder)


def _add(folder: Path) -> None:
    (folder / "domu/evil.img").write_text("evil")


def _add_and_list(folder: Path) -> None:
    _add(folder)
    write_list(folder)


def _link(folder: Path) -> None:
    shutil.move(folder / "kernel", folder.parent / "kernel")
    (folder / "kernel").symlink_to(folder.parent / "kernel")


def _swap_images(folder: Path) -> None:
    (folder / "domu/base.img").rename(folder / "x")
    (folder / "domu/small.img").rename(folder / "domu/base.img")
    (folder / "x").rename(folder / "domu/small.img")
    write_list(folder)


def _other_inside(folder: Path) -> None:
    (folder / "domu/base.img.gz").write_bytes(gzip.compress((folder / "domu/small.img").read_bytes()))
    write_list(folder)


def _manifest_of_another_image(folder: Path) -> None:
    """As a publisher would err: all that lists it fits, and it is what servers follow."""
    path = folder / "domu/SHA512"
    old = digest_of(path)
    text = path.read_text()
    path.write_text(text.replace(digest_of(folder / "domu/small.img").sha512, "0" * 128))
    new = digest_of(path)
    for name in ("provenance.json", "release.json"):
        words = (folder / name).read_text().replace(old.sha512, new.sha512).replace(old.sha256, new.sha256)
        (folder / name).write_text(words.replace(f'"size": {old.size},', f'"size": {new.size},'))
    _fit_provenance(folder)


def _other_kernel_for_rollout(folder: Path) -> None:
    """The list that servers follow fits it, but the CD and kernels/ have another."""
    path = next((folder / "domu").glob("netbsd-*"))
    old = digest_of(path).sha512
    path.write_bytes(path.read_bytes() + b"\0")
    manifest = folder / "domu/SHA512"
    manifest.write_text(manifest.read_text().replace(old, digest_of(path).sha512))
    write_list(folder)


def _fit_provenance(folder: Path) -> None:
    """release.json and the list, after a change of provenance.json."""
    digest = digest_of(folder / "provenance.json")

    def change(document: Any) -> None:
        row = next(item for item in document["files"] if item["name"] == "provenance.json")
        row.update(size=digest.size, sha256=digest.sha256, sha512=digest.sha512)

    edit(folder / "release.json", change)
    write_list(folder)


def _older_epoch_in_manifest(folder: Path) -> None:
    path = folder / "domu/SHA512"
    path.write_text(path.read_text().replace("# epoch 1", "# epoch 2"))
    write_list(folder)


def _cut_iso(folder: Path) -> None:
    os.truncate(folder / "dom0.iso", 3 << 20)
    write_list(folder)


def _without_in_facts(folder: Path) -> None:
    edit(folder / "release.json", lambda document: document["without"].update(smoke="no time"))
    write_list(folder)


def _release_id(folder: Path) -> None:
    edit(folder / "release.json", lambda document: document.update(release_id="0" * 12))
    write_list(folder)


def _release_id_everywhere(folder: Path) -> None:
    """Another id in all documents: it is not that of the recipe and the lock."""
    old = json.loads((folder / "release.json").read_text())["release_id"]
    for name in ("release.json", "provenance.json", "dom0.mtree", "domu/base.mtree", "domu/small.mtree"):
        (folder / name).write_text((folder / name).read_text().replace(old, "0" * len(old)))
    write_list(folder)


def _material(folder: Path) -> None:
    edit(
        folder / "provenance.json",
        lambda document: document["predicate"]["buildDefinition"]["resolvedDependencies"].pop(0),
    )
    write_list(folder)


def _subject(folder: Path) -> None:
    edit(folder / "provenance.json", lambda document: document["subject"].pop(0))
    write_list(folder)


def _serial(folder: Path) -> None:
    edit(folder / "sbom.cdx.json", lambda document: document.update(serialNumber="urn:uuid:" + "0" * 8))
    write_list(folder)


def _failed_boot(folder: Path) -> None:
    edit(folder / "smoke/smoke.json", lambda document: document["boots"][0].update(failure="no menu"))
    write_list(folder)


def _not_reproducible(folder: Path) -> None:
    edit(folder / "repro.json", lambda document: document.update(passed=False))
    write_list(folder)


def _decision(folder: Path) -> None:
    edit(folder / "diff.json", lambda document: document["verdict"].update(outcome="decision"))
    write_list(folder)


def _no_smoke(folder: Path) -> None:
    shutil.rmtree(folder / "smoke")
    write_list(folder)


def _no_json(folder: Path) -> None:
    for name in ("release.json", "provenance.json", "sbom.cdx.json", "repro.json"):
        (folder / name).write_text("[1")
    write_list(folder)


def _nested(folder: Path) -> None:
    for name in (
        "domu/base.json",
        "release.json",
        "provenance.json",
        "sbom.cdx.json",
        "smoke/smoke.json",
        "repro.json",
        "diff.json",
    ):
        (folder / name).write_text("[" * 200_000)
    (folder / "standin.lock").write_text("[" * 200_000)
    write_list(folder)


def _nested_facts(folder: Path) -> None:
    """Deep enough for whoever copies or prints it, not for who reads it."""
    edit(folder / "release.json", lambda document: document.update(more=json.loads("[" * 500 + "]" * 500)))
    write_list(folder)


def _pipes(folder: Path) -> None:
    """Nobody is waited for."""
    for name in ("release.json", "provenance.json", "sbom.cdx.json", "dom0.mtree", "domu/SHA512"):
        (folder / name).unlink()
        os.mkfifo(folder / name)


def _lock_outside(folder: Path) -> None:
    """The lock of another directory: who verifies would read it there, and all would fit."""
    (folder.parent / "outside.lock").write_bytes((folder / "standin.lock").read_bytes())
    for name in ("provenance.json", "release.json"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace('"recipe": "standin"', '"recipe": "../outside"'))
    _fit_provenance(folder)


FREE_ROOM = (
    "evil.img",
    "evil.sh",
    "below/evil.json",
    ".json",
    "-x.json",
    "a b.json",
    "x.json.sig.sig",
    f"{'x' * 65}.json",
)
TAMPERED: dict[Callable[[Path], None], set[str]] = {
    _remove: {"files"}, _remove_and_list: {"kernels", "provenance", "facts"}, _add: {"files"}, _free_room: {"files"},
    _add_and_list: {"domu", "provenance", "facts"}, _link: {"files"}, _swap_images: {"domu", "provenance"},
    _other_inside: {"domu"}, _manifest_of_another_image: {"domu"}, _older_epoch_in_manifest: {"domu"},
    _other_kernel_for_rollout: {"domu", "provenance"},
    _cut_iso: {"readback"}, _without_in_facts: {"facts"}, _release_id: {"facts", "sbom"},
    _release_id_everywhere: {"provenance"}, _material: {"provenance"}, _subject: {"provenance"}, _serial: {"sbom"},
    _nested: {"domu", "provenance", "sbom", "facts", "smoke", "repro", "diff"}, _nested_facts: {"facts"},
    _pipes: {"files", "readback", "domu", "provenance", "sbom", "facts"}, _lock_outside: {"provenance"},
    _failed_boot: {"smoke"}, _not_reproducible: {"repro"}, _decision: {"diff"}, _no_smoke: {"smoke"},
    _no_json: {"provenance", "sbom", "facts", "repro"},
}  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda tamper: tamper.__name__.strip("_"))
def test_tampering(copy: Path, released_once: Released, tamper: Callable[[Path], None]) -> None:
    tamper(copy)
    problems = found(copy)
    assert problems.keys() >= TAMPERED[tamper], problems
    assert found(copy, released_once.signers)


def test_statements_may_lie_there_and_nothing_else(copy: Path) -> None:
    (copy / "rebuilds").mkdir()
    for name in ("somebody.json", "somebody.json.sig", "example.net.json"):
        (copy / "rebuilds" / name).write_text("{}")
    assert found(copy) == {}
    _free_room(copy.parent / "other")
    shutil.copytree(copy.parent / "other", copy, dirs_exist_ok=True)
    assert set(found(copy)["files"]) == {f"rebuilds/{name}: not in SHA512" for name in FREE_ROOM}
    # Not even if the list names it.
    for name in FREE_ROOM:
        if name != "evil.sh":
            (copy / "rebuilds" / name).unlink()
    write_list(copy)
    assert found(copy).keys() >= {"facts"}


def test_signatures(copy: Path, released_once: Released, another_key: Path) -> None:
    for name in ("SHA512.sig", "domu/SHA512.sig"):
        kept = (copy / name).read_bytes()
        (copy / name).unlink()
        assert found(copy, released_once.signers).keys() == {"signature"}
        (copy / name).write_bytes(b"-----BEGIN SSH SIGNATURE-----\n")
        assert found(copy, released_once.signers).keys() == {"signature"}
        (copy / name).write_bytes(kept)
    assert found(copy, released_once.signers) == {}
    seal(copy, another_key)
    assert found(copy, released_once.signers).keys() == {"signature"}
    shutil.copy(copy / "domu/SHA512.sig", copy / "SHA512.sig")
    assert found(copy, released_once.signers).keys() == {"signature"}


def test_nothing_else_is_looked_at_when_nobody_vouches(
    copy: Path, released_once: Released, another_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("it is read")

    for name in ("handed", "check_list", "check_iso", "check_domus", "check_kernels", "check_provenance", "check_sbom"):
        monkeypatch.setattr(f"glassmaster.release.verify.{name}", read)
    seal(copy, another_key)
    result = verify_directory(copy, released_once.signers)
    assert [(check.name, bool(check.problems), bool(check.skipped)) for check in result.checks] == [
        ("signature", True, False), ("others", False, True),
    ]  # fmt: skip
    assert "1 problem: do not use it" in as_text(result)


def test_what_is_read_as_a_whole_is_not_too_large(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_files, "LARGEST_READ", (copy / "dom0.mtree").stat().st_size - 1)
    assert any("dom0.mtree: larger than" in line for line in found(copy)["readback"])


def test_a_compressed_image_is_not_followed_without_end(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipped, "CHUNK", 1 << 16)
    path = copy / "domu/base.img.gz"
    path.write_bytes(gzip.compress((copy / "domu/base.img").read_bytes() + bytes(64 << 20)))
    read = 0

    def counted(path: Path) -> Iterator[bytes]:
        nonlocal read
        for chunk in inside(path):
            read += len(chunk)
            yield chunk

    inside = gzipped.read_inside
    monkeypatch.setattr(gzipped, "read_inside", counted)
    size = (copy / "domu/base.img").stat().st_size
    assert gzipped.digest_inside(path, most=size) != digest_of(copy / "domu/base.img").sha256
    assert size < read < size + (2 << 20)


def test_a_signature_for_another_purpose(copy: Path, released_once: Released) -> None:
    (copy / "SHA512.sig").unlink()
    sign = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(released_once.key), "-n", "file", str(copy / "SHA512")]
    subprocess.run(sign, check=True, capture_output=True)
    assert found(copy, released_once.signers).keys() == {"signature"}


def test_what_a_release_says_of_itself_takes_no_signature_away(copy: Path, released_once: Released) -> None:
    """Whoever changes a release can also write that it was released without a signature."""
    for name, change in (
        ("release.json", lambda document: document["without"].update(signature="none")),
        (
            "provenance.json",
            lambda document: document["predicate"]["buildDefinition"]["externalParameters"]["overrides"][
                "without"
            ].update(signature="none"),
        ),
    ):
        edit(copy / name, change)
    write_list(copy)
    (copy / "SHA512.sig").unlink()
    assert "signature" in found(copy, released_once.signers)


def test_without_signers_it_says_that_nobody_vouches(released_once: Released) -> None:
    result = verify_directory(released_once.folder)
    assert [check.name for check in result.checks if check.skipped] == ["signature"]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense\n", "SHA512 (../../etc/passwd) = " + "0" * 128 + "\n", "SHA512 (SHA512) = " + "0" * 128 + "\n"],
)
def test_a_list_that_is_none(copy: Path, text: str) -> None:
    (copy / "SHA512").write_text(text)
    assert "files" in found(copy)


def test_the_order_of_the_list_counts(copy: Path) -> None:
    lines = (copy / "SHA512").read_text().splitlines(keepends=True)
    (copy / "SHA512").write_text("".join(reversed(lines)))
    assert "files" in found(copy)


def test_no_release_at_all(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="not a release"):
        verify_directory(tmp_path)
    with pytest.raises(GlassmasterError, match="allowed signers"):
        (tmp_path / "SHA512").write_text("x")
        verify_directory(tmp_path, tmp_path / "nobody")
