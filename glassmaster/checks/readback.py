"""Is the image what its tree says? Every entry and byte, read by what shares no code with the writer: libarchive for
discs, a reader of its own for FFS, which nothing on Debian reads without a mount but tools that list file by file."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.checks.ffs_reader import DamagedImageError, Image, complaints
from glassmaster.checks.ffs_reader import Found as InodeFound
from glassmaster.doit_plugins.progress import Advance, progress
from glassmaster.errors import GlassmasterError
from glassmaster.tree.mtree import Listed

BLOCK = 1 << 20
SHOWN = 20


@dataclass(frozen=True)
class Found:
    """What libarchive says of one path of a disc."""

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    sha256: str
    link: str


@dataclass(frozen=True)
class Readback:
    """The result: how much was compared, and each difference as one line."""

    entries: int
    bytes: int
    differences: tuple[str, ...]


def read_iso(path: Path) -> Iterator[Found]:
    """All entries of an ISO, in the order in which they lie on it."""
    import libarchive  # loads the C library, which a machine that only lists tasks need not have

    digests: dict[str, tuple[int, str]] = {}
    at = "its beginning"
    try:
        with libarchive.file_reader(str(path), format_name="iso9660", block_size=BLOCK) as archive:
            for entry in archive:
                at = name_of(entry)
                yield _found(at, entry, digests)
    except libarchive.ArchiveError as error:
        raise GlassmasterError(f"{path}: libarchive cannot read it as an ISO", why=f"at {at}: {error}") from error


def read_ffs(path: Path) -> Iterator[Found]:
    """All entries of an FFS image; an image whose books are wrong (blocks, links, bitmaps) is an error."""
    with explained_ffs(path):
        image = Image(path)
        wrong = complaints(image)
        if wrong:
            raise DamagedImageError("\n".join(wrong[:SHOWN]))
        for name, item in image.walk():
            yield found_in_ffs(image, name, item)


def found_in_ffs(image: Image, path: str, item: InodeFound) -> Found:
    """What a file of an FFS image is."""
    data = image.content(item) if item.kind != "dir" else b""
    is_file = item.kind == "file"
    return Found(
        path, item.kind, item.mode, item.uid, item.gid, min(item.times), len(data) if is_file else 0,
        hashlib.sha256(data).hexdigest() if is_file else "",
        data.decode("utf-8", "backslashreplace") if item.kind == "link" else "",
    )  # fmt: skip


@contextmanager
def explained_ffs(path: Path) -> Iterator[None]:
    """Whatever a damaged FFS image leads to, as an error for people."""
    try:
        yield
    except (OSError, ValueError, IndexError, ArithmeticError, struct.error) as error:
        raise GlassmasterError(f"{path}: not a sound FFS image", why=str(error)) from error


def name_of(entry: Any) -> str:
    """The name of an entry of libarchive's."""
    from libarchive import ffi

    return _text(ffi.entry_pathname(entry._entry_p))


def link_of(entry: Any) -> str:
    """Where a link leads, or which other name a file has."""
    from libarchive import ffi

    return _text((ffi.entry_symlink if entry.issym else ffi.entry_hardlink)(entry._entry_p))


def _text(name: bytes | None) -> str:
    """A name as it stands on the disc; None when it could not be read at all.

    Not what libarchive-c has for it as text: that is decoded by the character set of the locale.
    """
    return "(no name)" if name is None else name.decode("utf-8", "backslashreplace")


def _found(path: str, entry: Any, digests: dict[str, tuple[int, str]]) -> Found:
    kind = "dir" if entry.isdir else "link" if entry.issym else "file" if entry.isreg or entry.islnk else "special"
    size, sha256 = 0, ""
    if kind == "file" and entry.islnk:
        # Names that share their content come without it, after the one that has it.
        size, sha256 = digests.get(link_of(entry), (0, ""))
    elif kind == "file":
        digest = hashlib.sha256()
        for block in entry.get_blocks():
            digest.update(block)
            size += len(block)
        sha256 = digest.hexdigest()
    digests[path] = (size, sha256)
    link = link_of(entry) if kind == "link" else ""
    mtime = -1 if entry.mtime is None else int(entry.mtime)
    return Found(path, kind, entry.mode & 0o7777, entry.uid, entry.gid, mtime, size, sha256, link)


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """SHA-256 of an image, in hex; or another digest."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def compare(listed: Iterable[Listed], found: Iterable[Found]) -> Readback:
    """Compare a tree's listing with what was read; equal in every field or a difference."""
    expected = {item.path: _comparable(item) for item in listed}
    differences: list[str] = []
    seen: set[str] = set()
    size = 0
    for item in found:
        size += item.size
        if item.path in seen:
            differences.append(f"{item.path}: stands twice on the disc")
        seen.add(item.path)
        if item.path not in expected:
            differences.append(f"{item.path}: is on the disc, but not in the tree")
        elif expected[item.path] != item:
            differences.append(f"{item.path}: {_difference(expected[item.path], item)}")
    differences += [f"{path}: is in the tree, but not on the disc" for path in expected if path not in seen]
    return Readback(len(seen), size, tuple(differences))


def compared(expected: Sequence[Listed], found: Iterable[Found]) -> Readback:
    """As `compare`, telling how far it is."""
    with progress("reading back", sum(item.size for item in expected), "bytes") as advance:
        return compare(expected, _told(found, advance))


def _told(found: Iterable[Found], advance: Advance) -> Iterator[Found]:
    for item in found:
        yield item
        advance(item.size)


def require_equal(result: Readback, image: Path) -> None:
    """Raise GlassmasterError, with the first differences, unless there were none."""
    if result.differences:
        more = len(result.differences) - SHOWN
        lines = [*result.differences[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise GlassmasterError(
            f"{image}: the disc is not what its tree says ({len(result.differences)} differences)",
            why="\n".join(lines), hint="do not use this image; build it again, and if it stays so, report it",
        )  # fmt: skip


def _comparable(item: Listed) -> Found:
    return Found(item.path, item.kind, item.mode, item.uid, item.gid, item.mtime, item.size, item.sha256, item.link)


def _difference(expected: Found, found: Found) -> str:
    parts = []
    for name in ("kind", "mode", "uid", "gid", "mtime", "size", "sha256", "link"):
        want, have = getattr(expected, name), getattr(found, name)
        if want != have:
            show = oct if name == "mode" else repr
            parts.append(f"{name} {show(have)} on the disc, {show(want)} in the tree")
    return "; ".join(parts)
