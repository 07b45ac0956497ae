"""What a task's outputs depend on besides files, and the outputs themselves: objects for a task's `uptodate`.

    "uptodate": [Key(timeout=30, code=Code("project.steps", "pack"), tools=Tool("gcc")), Targets()]

`Key` holds named values; a task runs again when one changed, came or went. `Targets` looks at what the task made: when
an output holds something else than the task left there, it runs again. Both are saved with the task's values.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from glassmaster.doit_plugins.checker import as_state, same_content
from glassmaster.doit_plugins.digests import DIGESTS, NotAFile, stat_file

KEY, TARGETS = "key:", "targets:"
DIRECTORY = "directory"
# Of a digest, so many hex digits tell versions apart and can still be read in a diff.
SHORT = 32


@runtime_checkable
class Part(Protocol):
    """A part of a key that is found out only when the task is looked at."""

    def key_value(self) -> Any:
        """The value now: JSON."""


class Key:
    """Named JSON values (mappings may be nested) or Parts. In the state they are flat: ``recipe.boot.timeout``."""

    def __init__(self, **parts: Any) -> None:
        self._parts = parts
        self._last: dict[str, Any] | None = None

    def configure_task(self, task: Any) -> None:
        """Called by doit when it makes the task."""
        task.value_savers.append(lambda: {KEY: self._last if self._last is not None else self.now()})

    def now(self) -> dict[str, Any]:
        """All values as they are now, flat."""
        flat: dict[str, Any] = {}
        for name, value in _flat(self._parts, ""):
            if name in flat:
                raise ValueError(f"two parts of a key are called {name}")
            flat[name] = value
        return flat

    def __call__(self, task: Any, values: Mapping[str, Any]) -> bool:
        """Whether all is as it was. What is saved later is what was seen here, before the task ran."""
        self._last = self.now()
        return _text(values.get(KEY)) == _text(self._last)

    def changes(self, values: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
        """(name, old, new) of each part that is not as it was, sorted by name; None where there is no value."""
        old, new = values.get(KEY) or {}, self.now()
        names = sorted(old.keys() | new.keys())
        return [
            (name, old.get(name), new.get(name))
            for name in names
            if (name in old) != (name in new) or _text(old.get(name)) != _text(new.get(name))
        ]


class Targets:
    """Up to date only while every target holds what the task left there.

    below: a directory that is the task's own: every file in it counts as a target, also one that comes or goes later.
    but: names in it of directories and files that are somebody else's.
    """

    def __init__(self, below: str = "", but: Collection[str] = ()) -> None:
        self._task: Any = None
        self._below, self._but = below, frozenset(but)

    def configure_task(self, task: Any) -> None:
        """Called by doit when it makes the task."""
        self._task = task
        task.value_savers.append(lambda: {TARGETS: {path: _left(path) for path in self._paths(self._task)}})

    def __call__(self, task: Any, values: Mapping[str, Any]) -> bool:
        """Whether they do."""
        return not self.changes(task, values)

    def changes(self, task: Any, values: Mapping[str, Any]) -> list[str]:
        """The targets that do not: gone, damaged, replaced, never recorded, or not there when the task ended."""
        recorded = values.get(TARGETS) or {}
        paths = dict.fromkeys([*self._paths(task), *(recorded if self._below else ())])
        return [path for path in paths if not _as_left(path, recorded.get(path))]

    def _paths(self, task: Any) -> list[str]:
        return list(dict.fromkeys([*task.targets, *(_files_below(self._below, self._but) if self._below else ())]))


def _files_below(top: str, but: Collection[str]) -> list[str]:
    found = []
    for folder, folders, files in os.walk(top):
        if folder == top:
            folders[:], files = ([name for name in names if name not in but] for names in (folders, files))
        found += [os.path.join(folder, name) for name in files]  # noqa: PTH118
    return sorted(found)


class Tool:
    """A program that a task calls, by the digest of its binary; no process is started.

    files: patterns of further files that it runs (gcc's cc1). A program that is not there has the value None.
    """

    def __init__(self, program: str, *files: str) -> None:
        self._program = program
        self._files = files

    def key_value(self) -> dict[str, str | None]:
        """Digests by the name of program or file."""
        found = shutil.which(self._program)
        paths = sorted(path for pattern in self._files for path in glob.glob(pattern))  # noqa: PTH207
        return {self._program: _binary(found) if found else None, **{path: _binary(path) for path in paths}}


def _binary(path: str) -> str | None:
    try:
        return DIGESTS.digest(os.path.realpath(path))[:SHORT]
    except (OSError, NotAFile):  # executable but not readable, or taken away just now
        return None


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Part):
        value = value.key_value()
    if isinstance(value, Mapping) and (value or not prefix):
        for name, item in value.items():
            yield from _flat(item, f"{prefix}.{name}" if prefix else str(name))
    else:
        try:
            yield prefix, json.loads(_text(value))
        except (TypeError, ValueError) as error:
            raise TypeError(f"the key's part {prefix} is not JSON: {error}") from error


def _text(value: Any) -> str:
    """By text, since for Python 1 equals True and 1.0."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _left(path: str) -> Any:
    """What is recorded of a target; None where a task did not make it."""
    if os.path.isdir(path):  # noqa: PTH112
        return DIRECTORY
    try:
        return as_state(DIGESTS.look(path))
    except (OSError, NotAFile):
        return None


def _as_left(path: str, recorded: Any) -> bool:
    if recorded == DIRECTORY:
        return os.path.isdir(path)  # noqa: PTH112
    try:
        return same_content(path, stat_file(path), recorded)
    except (OSError, NotAFile):
        return False
