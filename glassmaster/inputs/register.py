"""Which locks a store serves: register.json in the store, and what those locks name.

Several clones share a store. Each fetch registers its lock, so that `doit store prune` in one clone keeps what another
one needs. Whoever adds a lock or removes files holds register.lock (flock).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glassmaster.atomic import explained, write_json
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import read_lock
from glassmaster.inputs.store import Store

FORMAT = 1


@dataclass(frozen=True)
class Use:
    """A file that a lock names. lock: its absolute path."""

    lock: Path
    name: str
    sha512: str
    size: int


def register(store: Store, lock: Path) -> None:
    """Note that a lock (a file) is used with this store; done by fetch before it fetches. Waits while it is pruned."""
    path = lock.absolute()
    with exclusive(store):
        known = _read(store)
        if path not in known:
            _write(store, [*known, path])


def registered(store: Store) -> list[Path]:
    """The locks that were registered and are still there, sorted."""
    return [path for path in _read(store) if path.is_file()]


def forget_dead(store: Store) -> None:
    """Drop locks that are no longer there. Within `exclusive`."""
    known = _read(store)
    alive = [path for path in known if path.is_file()]
    if alive != known:
        _write(store, alive)


@contextmanager
def exclusive(store: Store) -> Iterator[None]:
    """Nobody else registers a lock or prunes while the block runs."""
    path = store.root / "register.lock"
    with explained(path):
        store.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def uses(locks: Iterable[Path]) -> list[Use]:
    """What locks name. An unreadable one is an error: what it needs must not pass for unused."""
    found = []
    for path in sorted({path.absolute() for path in locks}):
        found += [Use(path, item.name, item.sha512, item.size) for item in read_lock(path).inputs]
    return found


def _register(store: Store) -> Path:
    return store.root / "register.json"


def _read(store: Store) -> list[Path]:
    path = _register(store)
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}; this glassmaster reads {FORMAT}")
        return sorted(Path(text) for text in document["locks"])
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise GlassmasterError(
            f"{path}: not the store's register of locks", why=str(error),
            hint=f"delete it (rm {path}); each clone's next fetch registers its lock again",
        ) from error  # fmt: skip


def _write(store: Store, locks: Iterable[Path]) -> None:
    write_json(_register(store), {"format": FORMAT, "locks": sorted(map(str, locks))})
