"""Directories of the store in which something large is made over a long time: kept when it is interrupted.

What is made in them knows its own path (NetBSD's tools do), so they cannot be filled elsewhere and renamed like the
rest of the store. A directory is finished when it holds the mark; nobody uses one without it but to go on with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from glassmaster.atomic import write_text
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.holdings import MADE_OF
from glassmaster.inputs.store import ENVIRONMENT, Store

MARK = "finished"
KEY_DIGITS = 32
# make(1), configure scripts and build.sh take no other characters in a path for granted.
_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


def key_of(parts: Mapping[str, Any]) -> str:
    """A key made of values that JSON can show."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:KEY_DIGITS]


def finished(store: Store, kind: str, key: str) -> bool:
    """Whether the directory of a key is there, whole."""
    return (store.derived(kind, key) / MARK).exists()


def finish(store: Store, kind: str, key: str, what: str, make: Callable[[Path], None], made_of: Sequence[str]) -> Path:
    """The finished directory of a key: `make` is called on it unless it is finished, also when it was begun before.

    Two that want the same wait for each other, and say so. `what` is what messages call it. made_of: the SHA-512 of
    the inputs in the store; while a lock names them, `doit store prune` keeps what was made of them, finished or not.
    """
    folder = _usable(store, kind, key)
    if finished(store, kind, key):
        return folder
    with _locked(folder, what):
        # The one that was waited for may have finished it.
        if not finished(store, kind, key):
            _make_folder(folder, store)
            write_text(folder / MADE_OF, "".join(f"{sha512}\n" for sha512 in sorted(made_of)))
            make(folder)
            # All of it on the disk before the mark is: a power cut must not leave a mark beside empty files.
            os.sync()
            write_text(folder / MARK, "")
    return folder


def _usable(store: Store, kind: str, key: str) -> Path:
    # Programs would see the path behind symbolic links in any case.
    folder = Store(store.root.resolve()).derived(kind, key)
    if not _PATH.fullmatch(str(folder)):
        raise GlassmasterError(
            f"the store {store.root} cannot hold kernel sources",
            why="make(1) takes letters, digits and . _ + - in paths, and nothing else",
            hint=f"the variable {ENVIRONMENT} can name another place",
        )
    return folder


def _make_folder(folder: Path, store: Store) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = f"the variable {ENVIRONMENT} can name another place"
        raise GlassmasterError(f"the store {store.root} cannot be written", why=str(error), hint=hint) from error


@contextmanager
def _locked(folder: Path, what: str) -> Iterator[None]:
    """Hold a lock (flock) beside the folder; the kernel frees it when this process is gone."""
    path = folder.with_name(f".{folder.name}.lock")
    _make_folder(folder.parent, Store(folder.parent))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{what}: waiting for {_holder(path)}, which makes the same (Ctrl-C: do not wait)", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode(), 0)
        yield
    finally:
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_bytes())
        return f"another build (process {int(note['pid'])}, since {note['since']})"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another build"
