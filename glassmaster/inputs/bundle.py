"""Bundles: a plain tar with all files that some locks name, and those locks, for a machine without a network.

    manifest.json    {"format": 1, "locks": {NAME: SHA-512, …}, "files": {SHA-512: size, …}}
    locks/NAME       sorted
    sha512/DIGEST    sorted

Equal locks make equal bundles: members have no time, owner or name of the host. Nothing in a bundle is believed: a
file is taken in by the digest that it really has, and its member's name only says which one that should be.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.atomic import write_bytes, writing
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import SHA512_HEX
from glassmaster.inputs.lock import parse_lock, read_lock
from glassmaster.inputs.store import CHUNK, Store
from glassmaster.inputs.tarindex import Headers

FORMAT = 1
MANIFEST, LOCKS, FILES = "manifest.json", "locks/", "sha512/"
MANIFEST_LIMIT = LOCK_LIMIT = 64 << 20
_LOCK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\.lock")
HINT = "make or copy it again; what was right in it has been taken in"


@dataclass(frozen=True)
class Exported:
    """What is in a bundle that was written. size: of the files in it."""

    locks: tuple[Path, ...]
    files: int
    size: int


@dataclass(frozen=True)
class Imported:
    """What a bundle brought.

    new, known: files that the store had not, and had. size: of the new ones. locks: those that were written.
    same: locks that were there. other: locks that were there with another content; they are left as they are.
    """

    new: int
    known: int
    size: int
    locks: tuple[Path, ...]
    same: tuple[Path, ...]
    other: tuple[Path, ...]


@dataclass(frozen=True)
class Manifest:
    """What a bundle says it holds: SHA-512 of locks by name, sizes of files by SHA-512."""

    locks: dict[str, str]
    files: dict[str, int]


def export(locks: Sequence[Path], store: Store, target: Path) -> Exported:
    """Write a bundle, whole or not at all. Every file is verified on its way; a missing one is an error."""
    texts = {path.name: path.read_bytes() for path in sorted(locks)}
    files = {item.sha512: (item.size, item.name) for path in locks for item in read_lock(path).inputs}
    missing = sorted(name for sha512, (_, name) in files.items() if sha512 not in store)
    if missing:
        raise GlassmasterError(
            f"the store lacks {len(missing)} of {len(files)} files",
            why="\n".join(missing),
            hint="run `doit fetch` first",
        )
    document = {
        "format": FORMAT,
        "locks": {name: hashlib.sha512(text).hexdigest() for name, text in texts.items()},
        "files": {sha512: size for sha512, (size, _) in files.items()},
    }
    with writing(target) as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add_bytes(archive, MANIFEST, json.dumps(document, sort_keys=True, indent=1).encode() + b"\n")
        for name, text in sorted(texts.items()):
            _add_bytes(archive, LOCKS + name, text)
        for sha512, (size, name) in sorted(files.items()):
            with store.verified(sha512, name).open("rb") as file:
                archive.addfile(_member(FILES + sha512, size), file)
    return Exported(tuple(sorted(locks)), len(files), sum(size for size, _ in files.values()))


def import_bundle(bundle: Path, store: Store, folder: Path) -> Imported:
    """Take a bundle's files into the store, then write its locks into a folder.

    A lock of this name that is there already is never overwritten. GlassmasterError for whatever the bundle may hold
    instead; then no lock is written, and the store holds what it held, perhaps more, all of it right.
    """
    new = known = size = 0
    locks: dict[str, bytes] = {}
    with _opened(bundle) as archive:
        manifest = _manifest(archive, bundle)
        left = set(manifest.files)
        for info, name in _members(archive, bundle):
            if name.startswith(LOCKS):
                locks[name.removeprefix(LOCKS)] = _small(archive, info, LOCK_LIMIT, bundle)
                continue
            sha512 = name.removeprefix(FILES)
            if sha512 not in left or info.size != manifest.files[sha512]:
                raise _bad(bundle, f"{name}: twice, or not as the manifest says")
            left.remove(sha512)
            if sha512 in store:
                known += 1
                continue
            store.add(_chunks(archive, info), what=f"{bundle}: {name}", expected=sha512)
            new, size = new + 1, size + info.size
    if left:
        raise _bad(bundle, f"it ends before the last {len(left)} of {len(manifest.files)} files")
    _check_locks(bundle, manifest, locks)
    return Imported(new, known, size, *_write_locks(locks, folder))


def _write_locks(locks: dict[str, bytes], folder: Path) -> tuple[tuple[Path, ...], ...]:
    written: list[Path] = []
    same: list[Path] = []
    other: list[Path] = []
    for name, text in sorted(locks.items()):
        path = folder / name
        if path.exists() or path.is_symlink():
            (same if path.is_file() and path.read_bytes() == text else other).append(path)
        else:
            write_bytes(path, text)
            written.append(path)
    return tuple(written), tuple(same), tuple(other)


def _check_locks(bundle: Path, manifest: Manifest, locks: dict[str, bytes]) -> None:
    """The locks must be those of the manifest, readable, and name nothing that did not come."""
    if {name: hashlib.sha512(text).hexdigest() for name, text in locks.items()} != manifest.locks:
        raise _bad(bundle, "its locks are not those of its manifest")
    for name, text in locks.items():
        lacking = [
            item.name for item in parse_lock(text, f"{bundle}: {name}").inputs if item.sha512 not in manifest.files
        ]
        if lacking:
            raise _bad(bundle, f"{name}: {lacking[0]} is not in it")


# ---- reading the tar


@contextmanager
def _opened(bundle: Path) -> Iterator[tarfile.TarFile]:
    """The tar; all that tarfile raises for bad ones becomes our error."""
    try:
        raw = io.FileIO(bundle)
    except OSError as error:
        raise GlassmasterError(f"{bundle}: cannot be read", why=error.strerror or str(error)) from error
    try:
        with Headers(raw) as stream, tarfile.open(fileobj=stream, mode="r:", errorlevel=2) as archive:
            yield archive
    except (tarfile.TarError, EOFError, OverflowError, ValueError, RecursionError) as error:
        raise _bad(bundle, str(error)) from error


def _members(archive: tarfile.TarFile, bundle: Path) -> Iterator[tuple[tarfile.TarInfo, str]]:
    """Members after the manifest, only those of names that a bundle has."""
    seen: set[str] = set()
    for info in archive:
        kind = next((kind for kind in (LOCKS, FILES) if info.name.startswith(kind)), "")
        rest = info.name.removeprefix(kind)
        allowed = {LOCKS: _LOCK_NAME, FILES: SHA512_HEX}.get(kind)
        if info.name == MANIFEST and MANIFEST not in seen:
            pass  # read before
        elif allowed is None or not allowed.fullmatch(rest) or not info.isreg() or info.issparse():
            raise _bad(bundle, f"{info.name!r} is nothing that a bundle holds")
        elif info.name in seen:
            raise _bad(bundle, f"{info.name} is in it twice")
        else:
            yield info, info.name
        seen.add(info.name)


def _manifest(archive: tarfile.TarFile, bundle: Path) -> Manifest:
    info = archive.next()
    if info is None or info.name != MANIFEST or not info.isreg():
        raise _bad(bundle, f"it does not begin with {MANIFEST}")
    document = json.loads(_small(archive, info, MANIFEST_LIMIT, bundle))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _bad(bundle, f"{MANIFEST}: not of format {FORMAT}")
    locks, files = _table(document.get("locks")), _table(document.get("files"))
    for name, sha512 in locks.items():
        if not (_LOCK_NAME.fullmatch(name) and isinstance(sha512, str) and SHA512_HEX.fullmatch(sha512)):
            raise _bad(bundle, f"{MANIFEST}: locks: {name!r}")
    for sha512, size in files.items():
        if not (SHA512_HEX.fullmatch(sha512) and type(size) is int and size >= 0):
            raise _bad(bundle, f"{MANIFEST}: files: {sha512!r}")
    return Manifest(locks, files)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{MANIFEST}: not a JSON object")
    return value


def _small(archive: tarfile.TarFile, info: tarfile.TarInfo, limit: int, bundle: Path) -> bytes:
    if info.size > limit:
        raise _bad(bundle, f"{info.name}: claims {info.size:,} bytes")
    return b"".join(_chunks(archive, info))


def _chunks(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    stream = archive.extractfile(info)
    while stream is not None and (piece := stream.read(CHUNK)):
        yield piece


def _bad(bundle: Path, why: str) -> GlassmasterError:
    return GlassmasterError(f"{bundle}: not a whole bundle of `doit store export`", why=why, hint=HINT)


# ---- writing it


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    archive.addfile(_member(name, len(data)), io.BytesIO(data))
