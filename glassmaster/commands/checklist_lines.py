"""The bootstrap checklist as data: what each line says, which tasks do it, and what shows that they did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from doit.task import Task

from glassmaster.doit_plugins.outlook import Outlook, outlook
from glassmaster.errors import GlassmasterError
from glassmaster.places import Places

State = Literal["done", "stale", "to do", "not needed", "not built yet"]
CHUNK = 1 << 20


@dataclass(frozen=True)
class Item:
    """A line of the checklist: what it says, and the steps (or the command) that do it.

    shows:  the step whose first target is the evidence; the last one when it is empty.
    leaves: what the command writes into out/RECIPE with output=out/RECIPE.
    """

    says: str
    steps: tuple[str, ...]
    shows: str = ""
    command: str = ""
    leaves: str = ""


CHECKLIST = (
    Item("make a working directory; install NetBSD sets", ("standin", "fetch", "sets"), shows="fetch"),
    Item("make a Xen dom0 kernel with its root on cd0a", ("kernel",)),
    Item("set up the custom /etc/rc", ("overlay",)),
    Item("install core packages: xentools, sudo, subversion, screen", ("packages",)),
    Item("make the domUs' read-only root images", ("domu",)),
    Item("put in Xen and the domU images; configure GRUB; make the ISO", ("xen", "grub", "mtree", "iso")),
    Item("is it the same when built again?", ("repro",)),
    Item("does it boot?", ("smoke",)),
    Item("hand it over: checksums, signatures, SBOM, provenance", ("release",)),
    Item("what changed since the last one?", (), command="diff", leaves="diff.json"),
)


@dataclass(frozen=True)
class Evidence:
    """A file that a step made, as it is now: SHA-256 (hex) and bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Line:
    """A line of the checklist for one recipe. reason: why it is stale, or what is missing."""

    says: str
    steps: tuple[str, ...]
    state: State
    reason: str
    evidence: tuple[Evidence, ...]


def lines_of(
    recipe: str, tasks: Mapping[str, Task], state: Any, commands: Collection[str], checklist: Sequence[Item] = CHECKLIST
) -> list[Line]:
    """The checklist for a recipe. state: doit's Dependency; commands: names of doit's commands.

    Raises GlassmasterError when an artefact cannot be read.
    """
    of_recipe = {name: task for name, task in tasks.items() if name.split(":")[1:2] == [recipe]}
    looks = {item.name: item for item in outlook(tasks, list(of_recipe), state)}
    return [
        _of_command(item, recipe, commands) if item.command else _line(item, list(of_recipe.values()), tasks, looks)
        for item in checklist
    ]


def _of_command(item: Item, recipe: str, commands: Collection[str]) -> Line:
    """A command counts as done while what it left is about the release that is there now."""
    if item.command not in commands:
        return Line(item.says, (), "not built yet", f"doit {item.command}", ())
    out = Places(recipe).out
    left = out / item.leaves
    if not left.is_file():
        return Line(item.says, (), "to do", f"doit {item.command}", ())
    evidence = (_evidence(str(left)),)
    about, there = _release_id(left, "new"), _release_id(Places(recipe).facts)
    if about != there:
        return Line(item.says, (), "stale", f"{left} is about release {about or 'unknown'}", evidence)
    return Line(item.says, (), "done", "", evidence)


def _release_id(path: Path, below: str = "") -> str:
    """The release id that a JSON file names; "" when it cannot be read."""
    try:
        document = json.loads(path.read_bytes())
        return str((document[below] if below else document)["release_id"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _line(item: Item, of_recipe: list[Task], tasks: Mapping[str, Task], looks: Mapping[str, Outlook]) -> Line:
    members = [task for step in item.steps for task in of_recipe if _step(task) == step]
    if not any(step in tasks for step in item.steps):
        return Line(item.says, item.steps, "not built yet", "glassmaster has no such step yet", ())
    steps = tuple(task.name for task in members)
    if not members:
        return Line(item.says, steps, "not needed", "the recipe has none", ())
    shown = [task.targets[0] for task in members if task.targets and _step(task) == (item.shows or _step(members[-1]))]
    evidence = tuple(_evidence(path) for path in shown if Path(path).is_file())
    missing = [path for task in members for path in task.targets if not Path(path).exists()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return Line(item.says, steps, "to do", f"there is no {missing[0]}{more}", evidence)
    stale = [looks[task.name] for task in members if looks[task.name].will in ("run", "may run")]
    if stale:
        return Line(item.says, steps, "stale", _why(stale[0]), evidence)
    return Line(item.says, steps, "done", "", evidence)


def _step(task: Task) -> str:
    return str(task.name.partition(":")[0])


def _why(look: Outlook) -> str:
    reason = str(look.reasons[0]) if look.reasons else f"{look.after[0]} would be made again"
    return f"{look.name}: {reason}"


def _evidence(path: str) -> Evidence:
    digest = hashlib.sha256()
    size = 0
    try:
        with Path(path).open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=error.strerror or str(error)) from error
    return Evidence(path, digest.hexdigest(), size)
