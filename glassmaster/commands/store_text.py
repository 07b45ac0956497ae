"""What `doit store` says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from glassmaster.doit_plugins.summary import size_text
from glassmaster.errors import readable
from glassmaster.inputs.bundle import Exported, Imported
from glassmaster.inputs.holdings import Held, Holdings, Pruned
from glassmaster.inputs.store import Store

DIGITS = 12
NO_LOCK = "(no lock names it)"


def listing(store: Store, found: Holdings) -> str:
    """Locks by number, files with the numbers of the locks that name them, sums."""
    locks = _locks(found)
    numbers = {lock: number for number, lock in enumerate(locks, 1)}
    lines = [str(store.root.absolute()), ""]
    for lock, number in numbers.items():
        sizes = [held.size for held in found.files if any(use.lock == lock for use in held.used)]
        lacking = len({use.sha512 for use in found.missing if use.lock == lock})
        more = f"; {count(lacking, 'file')} not here" if lacking else ""
        lines.append(f"lock {number}  {_near(lock)}: {count(len(sizes), 'file')}, {size_text(sum(sizes))}{more}")
    lines += [""] if locks else ["no lock is known", ""]
    width = max([len(_numbers(held, numbers)) for held in found.files], default=1)
    for held in sorted(found.files, key=lambda held: (held.names or ["~"], held.sha512)):
        name = readable(", ".join(held.names)) or NO_LOCK
        lines.append(f"{size_text(held.size):>9}  {held.sha512[:DIGITS]}  {_numbers(held, numbers):<{width}}  {name}")
    lines += [""] if found.files else []
    lines.append(f"{count(len(found.files), 'file')}, {_sum(found.files)}")
    lines.append(f"derived from them: {count(len(found.derived), 'directory', 'directories')}, {_sum(found.derived)}")
    if found.parts:
        lines.append(f"unfinished downloads: {len(found.parts)}, {_sum(found.parts)}")
    idle = [held for held in found.files if not held.used]
    idle_more = [item for item in (*found.derived, *found.parts) if not item.kept]
    if idle or idle_more:
        size = sum(item.size for item in idle) + sum(item.size for item in idle_more)
        lines.append(f"`doit store prune` would free {size_text(size)}")
    return "\n".join(lines)


def as_json(store: Store, found: Holdings) -> dict[str, Any]:
    """All of it; sizes in bytes."""
    return {
        "store": str(store.root.absolute()),
        "files": [
            {
                "sha512": held.sha512, "size": held.size,
                "used": [{"lock": str(use.lock), "name": use.name} for use in held.used],
            }
            for held in found.files
        ],
        "derived": [{"path": str(item.path), "size": item.size, "kept": item.kept} for item in found.derived],
        "unfinished": [{"path": str(item.path), "size": item.size, "kept": item.kept} for item in found.parts],
        "missing": [
            {"lock": str(use.lock), "name": use.name, "sha512": use.sha512, "size": use.size} for use in found.missing
        ],
    }  # fmt: skip


def damaged_line(store: Store, held: Held) -> str:
    """A file that is not what its name says."""
    return f"damaged: {readable(', '.join(held.names)) or NO_LOCK}\n    {store.path(held.sha512)}"


def verified_line(files: Sequence[Held], bad: Sequence[Held], *, removed: bool) -> str:
    """The sum of a verification."""
    if not bad:
        return f"{count(len(files), 'file')}, {_sum(files)}: all are what their SHA-512 says"
    after = "removed; `doit fetch` brings them again" if removed else "`doit store verify --remove` removes them"
    return f"{len(bad)} of {count(len(files), 'file')} damaged: {after}"


def pruned(store: Store, result: Pruned, *, dry: bool) -> str:
    """What was removed, a line each, and what that freed."""
    word = "would remove" if dry else "removed"
    paths = [(store.path(held.sha512), held.size) for held in result.files]
    paths += [(item.path, item.size) for item in (*result.derived, *result.parts)]
    lines = [f"{word} {_below(path, store)} ({size_text(size)})" for path, size in paths]
    lines += [f"kept {_below(part.path, store)}: it is being fetched" for part in result.busy]
    if not paths:
        return "\n".join([*lines, "nothing to remove: all of it was made of what locks name"])
    sums = [
        f"{count(len(result.files), 'file')}",
        f"{count(len(result.derived), 'directory', 'directories')} derived",
        f"{count(len(result.parts), 'unfinished download')}",
    ]
    return "\n".join([*lines, f"{'would free' if dry else 'freed'} {size_text(result.size)}: {', '.join(sums)}"])


def exported(file: Path, result: Exported) -> str:
    """What was written."""
    locks = ", ".join(str(_near(lock.absolute())) for lock in result.locks)
    return f"{file}: {count(result.files, 'file')}, {size_text(result.size)}, of {locks}"


def imported(file: Path, result: Imported) -> str:
    """What was taken in, and what became of the locks."""
    lines = [
        f"{file}: {count(result.new, 'new file')}, {size_text(result.size)}; {count(result.known, 'file')} known before"
    ]
    lines += [f"wrote {path}" for path in result.locks]
    lines += [f"{path}: the same as in the bundle" for path in result.same]
    lines += [
        f"{path}: differs from the bundle's and was left alone; move it away and import again to get that one"
        for path in result.other
    ]
    return "\n".join(lines)


def count(number: int, one: str, several: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _locks(found: Holdings) -> list[Path]:
    uses = [use for held in found.files for use in held.used]
    return sorted({use.lock for use in (*uses, *found.missing)}, key=lambda path: (not _is_near(path), path))


def _numbers(held: Held, numbers: dict[Path, int]) -> str:
    return ",".join(map(str, sorted({numbers[use.lock] for use in held.used}))) or "-"


def _sum(items: Iterable[Any]) -> str:
    return size_text(sum(item.size for item in items))


def _is_near(path: Path) -> bool:
    return path.is_relative_to(Path.cwd())


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if _is_near(path) else path


def _below(path: Path, store: Store) -> str:
    relative = path.relative_to(store.root)
    return "/".join(part if len(part) < 2 * DIGITS else f"{part[:DIGITS]}…" for part in relative.parts)
