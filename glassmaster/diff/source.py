"""A release to compare, in whatever form it comes: what is in it, whose that is, and where the bytes are."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glassmaster.checks.ffs_reader import Image
from glassmaster.checks.readback import explained_ffs, file_digest, found_in_ffs, read_iso
from glassmaster.diff.contents import Contents, DiscContents, FfsContents, LayerContents, NoContents
from glassmaster.diff.model import Form, Side, State
from glassmaster.diff.origins import adopted, told_origins
from glassmaster.diff.spec import Spec, read_spec
from glassmaster.diff.states import first_names, of_found
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import parse_sha512

DISC, TREE, CHECKSUMS = "dom0.iso", "dom0.mtree", "SHA512"
# Where a release keeps the domUs' images and what describes them, and where they lie on the disc.
DOMUS = "domu"
IMAGE = re.compile(r"images/([^/]+)\.img")
_FFS_MAGIC = {65536 + 1372: b"\x19\x01\x54\x19", 8192 + 1372: b"\x54\x19\x01\x00"}
_ISO_MAGIC = {32769: b"CD001"}
_HEAD = 1 << 17


@dataclass(frozen=True)
class Source:
    """One side.

    states:  by path. unknown: fields (of FIELDS) that this form does not tell of any path.
    folder:  where DOMUS may be, which describe the images on the disc; None where there is none.
    image:   the file, None where there is none.
    """

    side: Side
    states: Mapping[str, State]
    contents: Contents
    unknown: frozenset[str] = frozenset()
    folder: Path | None = None
    image: Path | None = None


def open_path(path: Path, label: str) -> Source:
    """A release directory, a disc, a domU image or an mtree specification; raises GlassmasterError for others."""
    if path.is_dir():
        return of_directory(path, label)
    head = _head(path)
    if _has(head, _FFS_MAGIC):
        return _image(path, label, "image")
    if _has(head, _ISO_MAGIC):
        return _image(path, label, "image" if path.suffix == ".img" else "iso")
    if head.lstrip().startswith((b"#", b"/set", b". ", b"./")):
        return _of_spec(read_spec(path), label, "mtree", path.parent)
    raise GlassmasterError(
        f"{label}: neither a disc, a domU image nor an mtree specification",
        why=f"it begins with {head[:8]!r}", hint="a compressed one must be unpacked first" if _packed(head) else "",
    )  # fmt: skip


def _packed(head: bytes) -> bool:
    return head.startswith((b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd"))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=error.strerror or str(error)) from error


def _has(head: bytes, magics: Mapping[int, bytes]) -> bool:
    return any(head[offset : offset + len(magic)] == magic for offset, magic in magics.items())


def of_directory(path: Path, label: str) -> Source:
    """A release's directory: its disc, or only the description of its tree."""
    if (path / DISC).is_file():
        return _image(path / DISC, label, "release")
    if (path / TREE).is_file():
        return _of_spec(read_spec(path / TREE), label, "release", path)
    raise GlassmasterError(
        f"{label}: no release is in this directory", why=f"it has neither {DISC} nor {TREE}",
        hint="name out/RECIPE, out/RECIPE/release, or a file",
    )  # fmt: skip


def _image(path: Path, label: str, form: Form) -> Source:
    """An image: of its specification, when that is known to be of these very bytes; otherwise read whole."""
    is_disc, contents, size = _has(_head(path), _ISO_MAGIC), bytes_of(path), path.stat().st_size
    if sha256 := _described(path):
        source = _of_spec(read_spec(path.with_suffix(".mtree")), label, form, path.parent)
        title = str(_facts(path.with_suffix(".json")).get("title", ""))
        side = replace(source.side, image_size=size, bytes_known=True, title=title, sha256=sha256)
        return replace(source, side=side, contents=contents, image=path)
    states = of_found(read_iso(path)) if is_disc else _ffs_states(path)
    side = _counted(Side(label, form, image_size=size), states)
    unknown = frozenset({"names"} if is_disc else ())
    return Source(side, told_origins(states, contents), contents, unknown, path.parent, path)


def _described(image: Path) -> str:
    """The SHA-256 of an image, if the specification beside it is known to be of these very bytes; otherwise "".

    A build read the image back against it before it wrote down the image's digest; a release lists both.
    """
    described, checksums = image.with_suffix(".mtree"), image.parent / CHECKSUMS
    if not described.is_file():
        return ""
    if sha256 := _facts(image.with_suffix(".json")).get("sha256"):
        found = file_digest(image)
        return found if found == sha256 else ""
    if not checksums.is_file():
        return ""
    digests = parse_sha512(checksums.read_text(encoding="utf-8", errors="replace"), str(checksums))
    is_listed = all(digests.get(path.name) == file_digest(path, "sha512") for path in (described, image))
    return file_digest(image) if is_listed else ""


def _facts(path: Path) -> Mapping[str, Any]:
    """What a build says of an image; nothing where there is no such file, or another one of its name."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ffs_states(path: Path) -> dict[str, State]:
    with explained_ffs(path):
        image = Image(path)
        walked = [(name, item) for name, item in image.walk()]
        states = of_found(found_in_ffs(image, name, item) for name, item in walked)
        names = first_names({name: item.number for name, item in walked if item.kind != "dir"})
    return {name: replace(state, names=names.get(name, "")) for name, state in states.items()}


def _of_spec(spec: Spec, label: str, form: Form, folder: Path | None) -> Source:
    """Of a specification alone."""
    side = Side(
        label, form, recipe=spec.recipe, release_id=spec.release_id, standin=spec.standin, bytes_known=False
    )  # fmt: skip
    return Source(_counted(side, spec.states), spec.states, NoContents(), spec.unknown, folder)


def _counted(side: Side, states: Mapping[str, State]) -> Side:
    return replace(side, entries=len(states), bytes=sum(state.size for state in states.values()))


def open_image(source: Source, path: str, work: Path) -> Source | None:
    """A domU image on a disc as a tree of its own; None where neither its bytes nor a description are at hand.

    work: a directory for what must be copied off the disc.
    """
    state = source.states[path]
    name = Path(path).stem
    if source.folder is not None:
        described = source.folder / DOMUS / f"{name}.mtree"
        facts = _facts(source.folder / DOMUS / f"{name}.json")
        image = source.folder / DOMUS / f"{name}.img"
        if state.sha256 and facts.get("sha256") == state.sha256 and described.is_file():
            opened = _of_spec(read_spec(described), path, "image", None)
            if image.is_file() and file_digest(image) == state.sha256:
                return _with_bytes(opened, image)
            return opened if not source.contents.known else _with_bytes(opened, _copied(source, path, work))
    if not source.contents.known:
        return None
    return _image(_copied(source, path, work), path, "image")


def nothing(label: str) -> Source:
    """An empty tree, which is known whole: the side of a domU's image that is not there."""
    return Source(Side(label, "image"), {}, LayerContents({}))


def _with_bytes(opened: Source, image: Path) -> Source:
    side = replace(opened.side, bytes_known=True, image_size=image.stat().st_size)
    return replace(opened, side=side, contents=bytes_of(image))


def bytes_of(image: Path) -> Contents:
    """What reads an image, by what it is."""
    return DiscContents(image) if _has(_head(image), _ISO_MAGIC) else FfsContents(image)


def _copied(source: Source, path: str, work: Path) -> Path:
    # A name of our own: both the path and the digest are somebody else's words.
    known = repr((source.side.label, path, source.states[path].sha256))
    target = work / f"{hashlib.sha256(known.encode()).hexdigest()}.img"
    if not target.exists():
        source.contents.copy(path, target)
    return target


def with_same_origins(old: Source, new: Source) -> tuple[Source, Source]:
    """Both, where only one was described: then what is the same on both sides is of the origin that it names."""
    if old.side.recipe and not new.side.recipe:
        return old, replace(new, states=adopted(new.states, old.states))
    if new.side.recipe and not old.side.recipe:
        return replace(old, states=adopted(old.states, new.states)), new
    return old, new
