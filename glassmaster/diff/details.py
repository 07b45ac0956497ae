"""Everything about one path: what differs of it, its text side by side in a diff, its parts, its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from glassmaster.diff.bytewise import explained
from glassmaster.diff.compare import compare
from glassmaster.diff.elf import differences, read_elf
from glassmaster.diff.facts import kind_of
from glassmaster.diff.meanings.texts import HASHED, PRIVATE_KEY, SECRETS, unified, without_hashes
from glassmaster.diff.model import Change, State
from glassmaster.diff.source import IMAGE, Source, nothing, open_image
from glassmaster.errors import GlassmasterError

SAME = "is the same on both sides"


def details(old: Source, new: Source, path: str, work: Path) -> str:
    """The text for a path, with or without a slash first; one below a domU image's path is a path of that image."""
    asked = path.strip("/")
    for image in {*old.states, *new.states}:
        if asked.startswith(f"{image}/") and IMAGE.fullmatch(image):
            opened = [open_image(side, image, work) if image in side.states else nothing(image) for side in (old, new)]
            if opened[0] is None or opened[1] is None:
                raise GlassmasterError(f"/{image}: one side has only a specification of the disc")
            old, new, asked = opened[0], opened[1], asked.removeprefix(f"{image}/")
            break
    change = _change(old, new, asked)
    if change is None:
        return f"/{asked} {SAME}\n"
    return "".join(f"{line}\n" for line in [*_head(change), *_content(change, old, new, work)])


def _change(old: Source, new: Source, path: str) -> Change | None:
    if path not in old.states and path not in new.states:
        raise GlassmasterError(f"/{path}: neither {old.side.label} nor {new.side.label} has it")
    changes = compare(old.states, new.states, old.unknown | new.unknown)
    found = [change for change in changes if path in (change.path, change.moved_from)]
    return found[0] if found else None


def _head(change: Change) -> Iterator[str]:
    yield f"/{change.path}: {change.change}" + (f" from /{change.moved_from}" if change.moved_from else "")
    for field in ("kind", "mode", "uid", "gid", "mtime", "size", "sha256", "link", "names", "origin"):
        before, after = _word(change.old, field), _word(change.new, field)
        if before or after:
            value = before if before == after else f"{before or '-'} -> {after or '-'}"
            yield f"  {field:<7} {value}"


def _word(state: State | None, field: str) -> str:
    value = "" if state is None else getattr(state, field)
    if state is not None and field == "mode":
        return f"{value:04o}"
    return f"{value:,}" if field == "size" and state is not None else str(value)


def _content(change: Change, old: Source, new: Source, work: Path) -> Iterator[str]:
    if "content" not in change.fields and change.change not in ("added", "removed"):
        return
    if IMAGE.fullmatch(change.path):
        yield f"  a tree of its own: /{change.path}/PATH is a path in it"
        return
    before = _read(old, change.moved_from or change.path, change.old)
    after = _read(new, change.path, change.new)
    if before is None or after is None:
        yield "  its bytes are not known on both sides"
        return
    if SECRETS.fullmatch(change.path) or PRIVATE_KEY.encode() in before + after:
        yield "  a key, or hashes of passwords: it is not shown"
        return
    if {kind_of(before), kind_of(after)} == {"text"}:
        texts = (before.decode("utf-8", "backslashreplace"), after.decode("utf-8", "backslashreplace"))
        texts = without_hashes(change.path, *texts)
        yield from (
            line.rstrip("\n")
            for line in unified(*texts, change.path, added=change.old is None, removed=change.new is None, limit=0)
        )
        return
    if change.old is None or change.new is None or HASHED.fullmatch(change.path):
        return
    programs = read_elf(before), read_elf(after)
    if programs[0] and programs[1]:
        yield from (f"  {line}" for line in differences(programs[0], programs[1]))
    # No line of a report on bytes is one of a file with hashes, but it may hold one.
    yield from without_hashes("", explained(change.path, before, after, work), "")[0].splitlines()


def _read(source: Source, path: str, state: State | None) -> bytes | None:
    if state is None or state.kind != "file":
        return b""
    return dict(source.contents.each([path])).get(path) if source.contents.known else None
