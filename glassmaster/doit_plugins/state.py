"""doit's state in SQLite: saved after each task, whole or not at all. Backend for ``[tool.doit.plugins.backend]``.

A task's record is one row, written in one transaction, so that a process that is killed at any moment leaves the
record of every task that finished. What is remembered of files (digests.py) is saved along with it. A file that
cannot be used is moved aside: it only costs time. Whoever writes holds the lock (lock.py); readers never wait.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.digests import DIGESTS, Derived, Signature
from glassmaster.doit_plugins.lock import NO_WAIT, StateLock

APPLICATION_ID, FORMAT = 0x646F6974, 1  # "doit"
BUSY_SECONDS = 60.0
COMPLETE = "deps:"  # doit's Dependency.save_success() sets this last
OWN_ENTRIES = frozenset({"_values_:", "result:", "checker:", "deps:", "ignore:"})
PARTS = ("", "-wal", "-shm", "-journal")
UNUSABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
SCHEMA = f"""
    begin immediate;
    create table if not exists task (name text primary key, record blob not null) without rowid;
    create table if not exists failure (name text primary key, at integer not null) without rowid;
    create table if not exists file (path text primary key, inode integer not null, size integer not null,
        mtime_ns integer not null, ctime_ns integer not null, digest text not null) without rowid;
    create table if not exists derived (path text not null, kind text not null, digest text not null,
        value blob not null, primary key (path, kind)) without rowid;
    pragma application_id = {APPLICATION_ID};
    pragma user_version = {FORMAT};
    commit;
"""


class _UnusableError(Exception):
    """Why a state file is none of ours."""


class StateDB:
    """The interface that doit's Dependency expects of a backend. Values are JSON, by doit's codec."""

    desc = "SQLite, saved after each task"

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        self.name = name
        self.codec = codec
        self.lock = StateLock(Path(name))
        self._rows: dict[str, bytes] = {}
        self._records: dict[str, dict[str, Any] | None] = {}  # decoded; None: removed
        self._failures: dict[str, int] = {}
        self._dirty: set[str] = set()
        self._recording = False
        self._complained = False
        self._version_read = 0
        self._connection = self._open()

    # What doit calls

    def get(self, task_id: str, dependency: str) -> Any:
        """One value of a task's record; None if there is none."""
        record = self._record(task_id)
        return None if record is None else record.get(dependency)

    def in_(self, task_id: str) -> bool:
        """Whether a task has a record."""
        return self._record(task_id) is not None

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Set one value. The one that doit sets last makes the record complete, and it is saved."""
        record = self._record(task_id)
        if record is None:
            record = self._records[task_id] = {}
        record[dependency] = value
        self._dirty.add(task_id)
        if dependency == COMPLETE:
            for stale in record.keys() - OWN_ENTRIES - set(value):
                del record[stale]
            self._failures.pop(task_id, None)
            if not self._recording:
                self.commit()

    def remove(self, task_id: str) -> None:
        """Forget a task; saved with what is saved next, or by `dump`."""
        self._records[task_id] = None
        self._failures.pop(task_id, None)
        self._dirty.add(task_id)

    def remove_all(self) -> None:
        """Forget all tasks."""
        for task_id in {*self._rows, *self._records, *self._failures}:
            self.remove(task_id)

    def dump(self) -> None:
        """Save what is not saved yet, close the file, release the lock."""
        if self._dirty or self.lock.held:
            self.commit()
        self._connection.close()
        self.lock.release()

    # What our own commands call besides

    def acquire(self, *, wait: bool) -> None:
        """Take the lock for a run; see StateLock.acquire. What others have written since it was read is read anew."""
        if self.lock.acquire(wait=wait) or self._data_version() != self._version_read:
            self._connection.close()
            self._connection = self._open()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Save at the end of the block, not when a record becomes complete."""
        self._recording = True
        try:
            yield
        finally:
            self._recording = False
        self.commit()

    def fail(self, task_id: str) -> None:
        """A task failed: its record no longer holds. Saved at once."""
        self.remove(task_id)
        self._failures[task_id] = int(time.time())
        self.commit()

    def failed_at(self, task_id: str) -> int | None:
        """When a task failed, in seconds since 1970, if that is the last that is known of it."""
        return self._failures.get(task_id)

    def commit(self) -> None:
        """Write all changes in one transaction. When that fails (a full disk) tasks go on, and may run once more."""
        files, derived = DIGESTS.unsaved()
        if not (self._dirty or files or derived):
            return
        if not self.lock.held:  # commands like `doit forget` take it only here
            self.lock.acquire(wait=os.environ.get(NO_WAIT, "0") in ("", "0"))
        try:
            self._write(files, derived)
        except sqlite3.DatabaseError as error:
            with suppress(sqlite3.DatabaseError):
                self._connection.execute("rollback")
            if not self._complained:
                self._complained = True
                _say(f"{self.name}: what was done cannot be recorded ({error}): it will be done once more next time")
        else:
            self._dirty.clear()
            DIGESTS.saved()

    def _write(self, files: list[tuple[str, Signature, str]], derived: list[tuple[str, str, Derived]]) -> None:
        execute = self._connection.execute
        execute("begin immediate")
        for task_id in self._dirty:
            record = self._records[task_id]
            if record is None:
                execute("delete from task where name = ?", (task_id,))
            else:
                execute("insert or replace into task values (?, ?)", (task_id, self.codec.encode(record).encode()))
            at = self._failures.get(task_id)
            if at is None:
                execute("delete from failure where name = ?", (task_id,))
            else:
                execute("insert or replace into failure values (?, ?)", (task_id, at))
        for path, found, digest in files:
            execute("insert or replace into file values (?, ?, ?, ?, ?, ?)", (_bytes(path), *found, digest))
        for path, kind, item in derived:
            value = self.codec.encode(item.value).encode()
            execute("insert or replace into derived values (?, ?, ?, ?)", (_bytes(path), kind, item.digest, value))
        execute("commit")

    def _data_version(self) -> int:
        """Another number than before when another process has written."""
        return int(self._connection.execute("pragma data_version").fetchone()[0])

    def _record(self, task_id: str) -> dict[str, Any] | None:
        if task_id not in self._records:
            row = self._rows.get(task_id)
            try:
                self._records[task_id] = None if row is None else dict(self.codec.decode(row.decode()))
            except (ValueError, TypeError):  # damaged, though SQLite did not see it
                self._records[task_id] = None
        return self._records[task_id]

    # Opening

    def _open(self) -> sqlite3.Connection:
        """The connection, with everything read; whatever is not ours is moved aside first."""
        if not os.access(Path(self.name).absolute().parent, os.W_OK):
            return self._connect(":memory:")  # enough for commands that only read; taking the lock will fail
        try:
            return self._connect(self.name)
        except _UnusableError as error:
            reason = str(error)
        had = self.lock.held
        if not self.lock.try_acquire():
            return self._connect(":memory:")  # somebody else runs tasks, and will see to it
        try:
            self._move_aside(reason)
            return self._connect(self.name)
        except _UnusableError as error:
            raise InvalidCommand(f"{self.name} cannot be used: {error}") from error
        finally:
            if not had:
                self.lock.release()

    def _connect(self, name: str) -> sqlite3.Connection:
        path = Path(name)
        if path.is_dir() or (path.exists() and not os.access(path, os.R_OK | os.W_OK)):
            raise _UnusableError("it cannot be read and written")
        connection = None
        try:
            connection = sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None)
            self._prepare(connection)
            self._load(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, sqlite3.DatabaseError):
                raise
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code in UNUSABLE or not isinstance(error, sqlite3.OperationalError):
                raise _UnusableError(str(error)) from error
            raise InvalidCommand(f"{name} cannot be opened: {error}") from error
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("begin")  # one snapshot: another process may be making the tables
        application = connection.execute("pragma application_id").fetchone()[0]
        version = connection.execute("pragma user_version").fetchone()[0]
        tables = connection.execute("select count(*) from sqlite_master").fetchone()[0]
        connection.execute("commit")
        if (application, version) != (APPLICATION_ID, FORMAT):
            if tables or application or version:
                ours = application == APPLICATION_ID
                raise _UnusableError(f"its format is {version}, not {FORMAT}" if ours else "some other program made it")
            connection.execute("pragma journal_mode = wal").fetchone()
            connection.executescript(SCHEMA)
        # Survives the end of the process at any moment; a power failure can cost the last records, never the file.
        connection.execute("pragma synchronous = normal")

    def _load(self, connection: sqlite3.Connection) -> None:
        """Read everything: that shows damage now, and one query is faster than one for each task."""
        connection.text_factory = bytes
        self._version_read = connection.execute("pragma data_version").fetchone()[0]
        rows = connection.execute("select name, record from task").fetchall()
        failures = connection.execute("select name, at from failure").fetchall()
        files = connection.execute("select path, inode, size, mtime_ns, ctime_ns, digest from file").fetchall()
        derived = connection.execute("select path, kind, digest, value from derived").fetchall()
        try:
            self._rows = {name.decode(): record for name, record in rows}
            self._failures = {name.decode(): at for name, at in failures}
            DIGESTS.restore(
                ((os.fsdecode(path), Signature(*found), digest.decode()) for path, *found, digest in files),
                (
                    (os.fsdecode(path), kind.decode(), Derived(digest.decode(), self.codec.decode(value.decode())))
                    for path, kind, digest, value in derived
                ),
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise _UnusableError(f"it is damaged ({error})") from error
        self._records = {task_id: record for task_id, record in self._records.items() if task_id in self._dirty}

    def _move_aside(self, reason: str) -> None:
        path = Path(self.name)
        taken = {item.name for item in path.absolute().parent.iterdir()}
        number = next(n for n in range(1, len(taken) + 2) if f"{path.name}.corrupt-{n}" not in taken)
        aside = f"{self.name}.corrupt-{number}"
        for part in PARTS:
            with suppress(FileNotFoundError):
                Path(self.name + part).rename(aside + part)
        _say(f"{self.name}: {reason}: moved to {aside}; everything is made again")


def _bytes(path: str) -> bytes:
    """A path for SQLite, whose text must be UTF-8; names of files need not be."""
    return os.fsencode(path)


def _say(text: str) -> None:
    print(f"doit: {text}", file=sys.stderr, flush=True)
