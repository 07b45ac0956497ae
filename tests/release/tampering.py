"""Ways to tamper with a release, and the checks of `doit verify` that must see each."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glassmaster.release.artefacts import digest_of
from glassmaster.release.assemble import write_list


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


def remove(folder: Path) -> None:
    (folder / "kernel.config").unlink()


def free_room(folder: Path) -> None:
    """Where statements lie, that are no part of the list, nothing else may lie."""
    (folder / "rebuilds/below").mkdir(parents=True)
    for name in FREE_ROOM:
        (folder / "rebuilds" / name).write_text("evil")


def remove_and_list(folder: Path) -> None:
    remove(folder)
    write_list(folder)


def add(folder: Path) -> None:
    (folder / "domu/evil.img").write_text("evil")


def add_and_list(folder: Path) -> None:
    add(folder)
    write_list(folder)


def link(folder: Path) -> None:
    shutil.move(folder / "kernel", folder.parent / "kernel")
    (folder / "kernel").symlink_to(folder.parent / "kernel")


def swap_images(folder: Path) -> None:
    (folder / "domu/base.img").rename(folder / "x")
    (folder / "domu/small.img").rename(folder / "domu/base.img")
    (folder / "x").rename(folder / "domu/small.img")
    write_list(folder)


def other_inside(folder: Path) -> None:
    (folder / "domu/base.img.gz").write_bytes(gzip.compress((folder / "domu/small.img").read_bytes()))
    write_list(folder)


def manifest_of_another_image(folder: Path) -> None:
    """As a publisher would err: all that lists it fits, and it is what servers follow."""
    path = folder / "domu/SHA512"
    old = digest_of(path)
    text = path.read_text()
    path.write_text(text.replace(digest_of(folder / "domu/small.img").sha512, "0" * 128))
    new = digest_of(path)
    for name in ("provenance.json", "release.json"):
        words = (folder / name).read_text().replace(old.sha512, new.sha512).replace(old.sha256, new.sha256)
        (folder / name).write_text(words.replace(f'"size": {old.size},', f'"size": {new.size},'))
    fit_provenance(folder)


def other_kernel_for_rollout(folder: Path) -> None:
    """The list that servers follow fits it, but the CD and kernels/ have another."""
    path = next((folder / "domu").glob("netbsd-*"))
    old = digest_of(path).sha512
    path.write_bytes(path.read_bytes() + b"\0")
    manifest = folder / "domu/SHA512"
    manifest.write_text(manifest.read_text().replace(old, digest_of(path).sha512))
    write_list(folder)


def fit_provenance(folder: Path) -> None:
    """release.json and the list, after a change of provenance.json."""
    digest = digest_of(folder / "provenance.json")

    def change(document: Any) -> None:
        row = next(item for item in document["files"] if item["name"] == "provenance.json")
        row.update(size=digest.size, sha256=digest.sha256, sha512=digest.sha512)

    edit(folder / "release.json", change)
    write_list(folder)


def older_epoch_in_manifest(folder: Path) -> None:
    path = folder / "domu/SHA512"
    path.write_text(path.read_text().replace("# epoch 1", "# epoch 2"))
    write_list(folder)


def cut_iso(folder: Path) -> None:
    os.truncate(folder / "dom0.iso", 3 << 20)
    write_list(folder)


def without_in_facts(folder: Path) -> None:
    edit(folder / "release.json", lambda document: document["without"].update(smoke="no time"))
    write_list(folder)


def release_id(folder: Path) -> None:
    edit(folder / "release.json", lambda document: document.update(release_id="0" * 12))
    write_list(folder)


def release_id_everywhere(folder: Path) -> None:
    """Another id in all documents: it is not that of the recipe and the lock."""
    old = json.loads((folder / "release.json").read_text())["release_id"]
    for name in ("release.json", "provenance.json", "dom0.mtree", "domu/base.mtree", "domu/small.mtree"):
        (folder / name).write_text((folder / name).read_text().replace(old, "0" * len(old)))
    write_list(folder)


def material(folder: Path) -> None:
    edit(
        folder / "provenance.json",
        lambda document: document["predicate"]["buildDefinition"]["resolvedDependencies"].pop(0),
    )
    write_list(folder)


def subject(folder: Path) -> None:
    edit(folder / "provenance.json", lambda document: document["subject"].pop(0))
    write_list(folder)


def serial(folder: Path) -> None:
    edit(folder / "sbom.cdx.json", lambda document: document.update(serialNumber="urn:uuid:" + "0" * 8))
    write_list(folder)


def failed_boot(folder: Path) -> None:
    edit(folder / "smoke/smoke.json", lambda document: document["boots"][0].update(failure="no menu"))
    write_list(folder)


def not_reproducible(folder: Path) -> None:
    edit(folder / "repro.json", lambda document: document.update(passed=False))
    write_list(folder)


def decision(folder: Path) -> None:
    edit(folder / "diff.json", lambda document: document["verdict"].update(outcome="decision"))
    write_list(folder)


def no_smoke(folder: Path) -> None:
    shutil.rmtree(folder / "smoke")
    write_list(folder)


def no_json(folder: Path) -> None:
    for name in ("release.json", "provenance.json", "sbom.cdx.json", "repro.json"):
        (folder / name).write_text("[1")
    write_list(folder)


def nested(folder: Path) -> None:
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


def nested_facts(folder: Path) -> None:
    """Deep enough for whoever copies or prints it, not for who reads it."""
    edit(folder / "release.json", lambda document: document.update(more=json.loads("[" * 500 + "]" * 500)))
    write_list(folder)


def pipes(folder: Path) -> None:
    """Nobody is waited for."""
    for name in ("release.json", "provenance.json", "sbom.cdx.json", "dom0.mtree", "domu/SHA512"):
        (folder / name).unlink()
        os.mkfifo(folder / name)


def lock_outside(folder: Path) -> None:
    """The lock of another directory: who verifies would read it there, and all would fit."""
    (folder.parent / "outside.lock").write_bytes((folder / "standin.lock").read_bytes())
    for name in ("provenance.json", "release.json"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace('"recipe": "standin"', '"recipe": "../outside"'))
    fit_provenance(folder)


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
    remove: {"files"}, remove_and_list: {"kernels", "provenance", "facts"}, add: {"files"}, free_room: {"files"},
    add_and_list: {"domu", "provenance", "facts"}, link: {"files"}, swap_images: {"domu", "provenance"},
    other_inside: {"domu"}, manifest_of_another_image: {"domu"}, older_epoch_in_manifest: {"domu"},
    other_kernel_for_rollout: {"domu", "provenance"},
    cut_iso: {"readback"}, without_in_facts: {"facts"}, release_id: {"facts", "sbom"},
    release_id_everywhere: {"provenance"}, material: {"provenance"}, subject: {"provenance"}, serial: {"sbom"},
    nested: {"domu", "provenance", "sbom", "facts", "smoke", "repro", "diff"}, nested_facts: {"facts"},
    pipes: {"files", "readback", "domu", "provenance", "sbom", "facts"}, lock_outside: {"provenance"},
    failed_boot: {"smoke"}, not_reproducible: {"repro"}, decision: {"diff"}, no_smoke: {"smoke"},
    no_json: {"provenance", "sbom", "facts", "repro"},
}  # fmt: skip
