"""Overlays: files of ours as a layer.

overlays/NAME/       the files, at their places below the image's root; FILE.j2 are Jinja2 templates of FILE
overlays/NAME.mtree  owners, groups and modes where they are not root:wheel 0644 (0755 with an x bit); empty directories
overlays/NAME.yaml   what it takes out of the layers below, see OverlayRules
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import NUMBER_LIMIT, Accounts
from glassmaster.inputs.overlay_sources import FOLDER, file_mode, link_target
from glassmaster.inputs.template import TEMPLATE_SUFFIX, render_file
from glassmaster.recipe.convert import build
from glassmaster.recipe.nodes import read_yaml
from glassmaster.recipe.setting import setting
from glassmaster.tree.blob import Blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.mtree import kind_of, number, octal, unvis_at
from glassmaster.tree.mtreespec import SpecLine, parse
from glassmaster.tree.path import ROOT, ancestors, normalized

# What a line of the .mtree may say; anything else there is a mistake, or hoped for in vain.
KEYWORDS = ("type", "uname", "gname", "uid", "gid", "mode", "link")
DIRECTORY_MODE, PROGRAM_MODE, FILE_MODE, LINK_MODE = 0o755, 0o755, 0o644, 0o755


@dataclass(frozen=True)
class OverlayRules:
    """What an overlay does beside adding files (overlays/NAME.yaml)."""

    needs: tuple[str, ...] = setting("Overlays that must be listed before this one.", default=())
    delete: tuple[str, ...] = setting("Paths taken out of the layers below, with all that they hold.", default=())
    move: Mapping[str, str] = setting(
        "Paths of the layers below that get another name: old to new.", default_factory=dict
    )
    runtime: tuple[str, ...] = setting(
        "Absolute paths that exist on the running system only; the overlay's links may lead there.",
        default=(),
    )


def read_rules(name: str) -> OverlayRules:
    """The rules of an overlay; none when it has no .yaml."""
    path = FOLDER / f"{name}.yaml"
    return build(OverlayRules, read_yaml(path)) if path.exists() else OverlayRules()


def require_needed(names: Sequence[str]) -> None:
    """Raise unless every overlay of an image comes after those that it needs. `names`: in the order of the recipe."""
    for at, name in enumerate(names):
        for needed in read_rules(name).needs:
            if needed not in names[:at]:
                raise GlassmasterError(
                    f"overlay {name}: needs the overlay {needed} before it (overlays/{name}.yaml)",
                    hint=f"overlays: [{', '.join([*names[:at], needed, *(n for n in names[at:] if n != needed)])}]",
                )


def overlay_layer(name: str, context: Mapping[str, Any], accounts: Accounts, epoch: int, blob: Blob) -> Layer:
    """The layer of an overlay. `context` holds the values for its templates; contents go to `blob`."""
    tree = FOLDER / name
    if not tree.is_dir():
        known = sorted(path.name for path in FOLDER.glob("*") if path.is_dir())
        raise GlassmasterError(f"no overlay {name!r}: {tree} does not exist", hint=f"there are: {', '.join(known)}")
    owned = overlay_lines(name)
    entries = {entry.path: entry for entry in _files(tree, context, epoch, blob)}
    for path, line in owned.items():
        entries[path] = _owned(entries.get(path), line, accounts, epoch)
    _require_directories_above(entries, tree)
    rules = read_rules(name)
    where = f"{FOLDER / name}.yaml"
    deleted = tuple(_lower(path, where) for path in rules.delete)
    moved = {_lower(old, where): _lower(new, where) for old, new in rules.move.items()}
    return Layer(f"overlay:{name}", tuple(entries.values()), deleted, moved)


def _lower(path: str, where: str) -> str:
    """A path of the layers below, as the .yaml has it: with or without a slash at its beginning."""
    inside = normalized(path.lstrip("/"), where)
    if inside == ROOT:
        raise GlassmasterError(f"{where}: {path!r}: the root itself cannot be deleted or moved")
    return inside


def _require_directories_above(entries: Mapping[str, Entry], tree: Path) -> None:
    """FILE.j2 beside a directory FILE, or a line of the .mtree, can put a path below what is no directory."""
    for path in entries:
        for above in ancestors(path):
            if above in entries and entries[above].kind != "dir":
                raise GlassmasterError(f"{tree}: {path}: lies below {above}, which is no directory in this overlay")


def _files(tree: Path, context: Mapping[str, Any], epoch: int, blob: Blob) -> list[Entry]:
    entries: dict[str, Entry] = {}
    for path in sorted(tree.rglob("*")):
        inside = normalized(os.fsencode(path.relative_to(tree)).decode("utf-8", "surrogateescape"), str(tree))
        mode = file_mode(path)
        if stat.S_ISLNK(mode):
            entry = Entry(inside, "link", LINK_MODE, 0, 0, epoch, _target(path))
        elif stat.S_ISREG(mode):
            is_template = path.suffix == TEMPLATE_SUFFIX
            data = render_file(path, context) if is_template else path.read_bytes()
            name = inside.removesuffix(TEMPLATE_SUFFIX) if is_template else inside
            permissions = PROGRAM_MODE if mode & stat.S_IXUSR else FILE_MODE
            entry = Entry(name, "file", permissions, 0, 0, epoch, content=blob.add(data))
        elif stat.S_ISDIR(mode):
            continue  # a directory that only holds files must not change the one below; see the .mtree for others
        else:
            raise GlassmasterError(
                f"{path}: neither a file, a directory nor a symbolic link",
                why="nothing else can be put on a CD",
            )
        if entry.path in entries:
            raise GlassmasterError(f"{path}: {entry.path} is made twice", why="by a file and by a template")
        entries[entry.path] = entry
    return list(entries.values())


def overlay_lines(name: str) -> dict[str, SpecLine]:
    """The lines of an overlay's .mtree, by path; none when it has none."""
    path = FOLDER / f"{name}.mtree"
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise GlassmasterError(f"{path}: not UTF-8 text", why=str(error)) from error
    lines: dict[str, SpecLine] = {}
    for line in parse(text, str(path)):
        unknown = [keyword for keyword in line.keywords if keyword not in KEYWORDS]
        if unknown:
            why = f"known here: {', '.join(KEYWORDS)}"
            raise GlassmasterError(f"{line.where}: {line.path}: {unknown[0]}: there is no such keyword", why=why)
        if lines.setdefault(line.path, line) is not line:
            raise GlassmasterError(f"{line.where}: {line.path}: listed twice", why=f"first at {lines[line.path].where}")
    return lines


def _target(link: Path) -> str:
    target = link_target(link)
    try:
        target.encode()
    except UnicodeEncodeError:
        raise GlassmasterError(f"{link}: the symbolic link's target {target!r} is not UTF-8 text") from None
    return target


def _owned(entry: Entry | None, line: SpecLine, accounts: Accounts, epoch: int) -> Entry:
    """An entry with the owner, group and mode of a line; the line alone makes a directory or a link."""
    kind = kind_of(line) if "type" in line.keywords or entry is None else entry.kind
    if entry is None and kind == "file":
        raise GlassmasterError(f"{line.where}: {line.path}: there is no such file in the overlay")
    if entry is not None and entry.kind != kind:
        raise GlassmasterError(f"{line.where}: {line.path}: is a {entry.kind} in the overlay, not a {kind}")
    default = entry.mode if entry else DIRECTORY_MODE
    mode = octal(line, "mode") if "mode" in line.keywords else default
    uid = accounts.uid(line.keywords["uname"], line.where) if "uname" in line.keywords else _number(line, "uid")
    gid = accounts.gid(line.keywords["gname"], line.where) if "gname" in line.keywords else _number(line, "gid")
    link = unvis_at(line.keywords["link"], line.where) if "link" in line.keywords else entry.link if entry else ""
    if bool(link) != (kind == "link"):
        raise GlassmasterError(f"{line.where}: {line.path}: link=TARGET belongs to links, and to each of them")
    return Entry(line.path, kind, mode, uid, gid, epoch, link, entry.content if entry else None)


def _number(line: SpecLine, keyword: str) -> int:
    value = number(line, keyword) if keyword in line.keywords else 0
    if value > NUMBER_LIMIT:
        raise GlassmasterError(f"{line.where}: {line.path}: {keyword}={value}: larger than {NUMBER_LIMIT}")
    return value
