"""The lock: recipes/NAME.lock, the exact inputs of a recipe. JSON with sorted keys and one value a line, for `diff`.

{"format": 1, "recipe": NAME, "wants": {...}, "inputs": [{"name": ..., "urls": [...], ...}, ...], "tools": {...},
 "packages": {IMAGE: [{"name": ..., "input": ..., "needs": {...}, ...}, ...]}}; `tools` and `packages` may be missing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from glassmaster.atomic import write_json
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import SHA512_HEX

FORMAT = 1
Kind = Literal["release", "debian", "package"]
KINDS: tuple[str, ...] = get_args(Kind)
REMEDY = "`doit lock` makes it anew"


@dataclass(frozen=True)
class LockedInput:
    """One file from outside, exactly.

    name:  unique in the lock: a path below NetBSD-VERSION of the mirror, debian/PACKAGE, or packages/FILE.
    urls:  where it may be had, tried in this order.
    size:  bytes. sha512: hex.
    trust: how the digest came to be believed, in words: "signed by FINGERPRINT", "first-use", "apt", …
    version: Debian's, for a Debian package; else "".
    """

    name: str
    kind: Kind
    urls: tuple[str, ...]
    size: int
    sha512: str
    trust: str
    version: str = ""


@dataclass(frozen=True)
class LockedPackage:
    """A package of pkgsrc that an image gets.

    name:   with its version. input: the name of its file among the inputs. size: bytes of what it installs.
    wanted: what asks for it, each "PKGSET PATTERN"; nothing where only other packages need it.
    needs:  its patterns of other packages (DEPENDS), each with the package that was chosen for it.
    built:  when it was built, in the repository's words; "" where it does not say.
    """

    name: str
    input: str
    size: int
    wanted: tuple[str, ...] = ()
    needs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    built: str = ""


# The packages of each image, in the order of their installation: what a package needs stands before it.
Images = Mapping[str, tuple[LockedPackage, ...]]


@dataclass(frozen=True)
class Lock:
    """A lock.

    wants: what the recipe asked for when this was made; another question makes the lock stale (see `wants`).
    tools: programs of the host that shape the stand-in's files, by name, with their versions.
    packages: those of pkgsrc, by image.
    """

    recipe: str
    wants: Mapping[str, tuple[str, ...]]
    inputs: tuple[LockedInput, ...]
    tools: Mapping[str, str] = dataclasses.field(default_factory=dict)
    packages: Images = dataclasses.field(default_factory=dict)


def read_lock(path: Path) -> Lock:
    """Read a lock; GlassmasterError for whatever it may hold instead of one. FileNotFoundError if there is none."""
    return parse_lock(path.read_bytes(), str(path))


def parse_lock(data: bytes, where: str) -> Lock:
    """Read a lock's text; `where` is what errors call it."""
    try:
        return _lock(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise GlassmasterError(f"{where}: not a lock that can be used", why=str(error), hint=REMEDY) from error


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock: equal locks are equal files."""
    inputs = []
    for item in sorted(lock.inputs, key=lambda item: item.name):
        row = dataclasses.asdict(item)
        inputs.append({name: value for name, value in row.items() if name != "version" or value})
    document = {"format": FORMAT, "recipe": lock.recipe, "wants": dict(lock.wants), "inputs": inputs}
    tools: dict[str, Any] = {"tools": dict(lock.tools)} if lock.tools else {}
    packages: dict[str, Any] = {"packages": package_rows(lock.packages)} if lock.packages else {}
    write_json(path, {**document, **tools, **packages})


def package_rows(images: Images) -> dict[str, list[dict[str, Any]]]:
    """The packages as they are in JSON."""
    return {image: [dataclasses.asdict(item) for item in chosen] for image, chosen in images.items()}


def changes(old: Lock, new: Lock) -> list[str]:
    """What another lock of the same recipe has instead, a line for each input."""
    before, after = ({item.name: item for item in lock.inputs} for lock in (old, new))
    lines = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None:
            lines.append(f"+ {name}{_version(now)}")
        elif now is None:
            lines.append(f"- {name}{_version(was)}")
        elif was.sha512 != now.sha512:
            lines.append(f"~ {name}: {_short(was)} -> {_short(now)}")
        elif was != now:
            lines.append(f"~ {name}: the same file; {', '.join(_fields(was, now))} changed")
    for image in sorted(old.packages.keys() & new.packages.keys()):
        if old.packages[image] != new.packages[image]:
            lines.append(f"~ the packages of {image}, their order or why they are there")
    return lines


def _version(item: LockedInput | None) -> str:
    return f" {item.version}" if item and item.version else ""


def _short(item: LockedInput) -> str:
    return item.version or f"{item.sha512[:12]}, {item.size:,} bytes"


def _fields(one: LockedInput, other: LockedInput) -> Iterable[str]:
    names = (field.name for field in dataclasses.fields(one))
    return (name for name in names if getattr(one, name) != getattr(other, name))


# ---- from JSON


def _lock(value: Any) -> Lock:
    document = _table(value, "the lock")
    version = document.get("format")
    if version != FORMAT:
        raise ValueError(f"its format is {version!r}; this glassmaster reads {FORMAT}")
    inputs = tuple(_input(item) for item in _list(document.get("inputs"), "inputs"))
    names = [item.name for item in inputs]
    if len(set(names)) != len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"inputs: {doubled} is listed twice")
    wants = {
        name: tuple(_text(word, f"wants: {name}") for word in _list(words, f"wants: {name}"))
        for name, words in _table(document.get("wants"), "wants").items()
    }
    tools = {name: _text(text, "tools") for name, text in _table(document.get("tools", {}), "tools").items()}
    packages = read_packages(document.get("packages", {}), {item.name for item in inputs if item.kind == "package"})
    return Lock(_text(document.get("recipe"), "recipe"), wants, inputs, tools, packages)


def read_packages(value: Any, inputs: Collection[str]) -> dict[str, tuple[LockedPackage, ...]]:
    """What package_rows() made; ValueError for anything else. inputs: the names of the packages' files."""
    images = {}
    for image, rows in _table(value, "packages").items():
        chosen: dict[str, LockedPackage] = {}
        for row in _list(rows, f"packages: {image}"):
            item = _package(_table(row, f"packages: {image}: a package"))
            if item.name in chosen:
                raise ValueError(f"packages: {image}: {item.name} is listed twice")
            if item.input not in inputs:
                raise ValueError(f"packages: {image}: {item.name}: there is no input {item.input}")
            late = [name for name in item.needs.values() if name not in chosen]
            if late:
                raise ValueError(f"packages: {image}: {item.name} needs {late[0]}, which does not stand before it")
            chosen[item.name] = item
        images[image] = tuple(chosen.values())
    return images


def _package(row: dict[str, Any]) -> LockedPackage:
    name = _text(row.get("name"), "name of a package")
    size = row.get("size")
    if type(size) is not int or size < 0:
        raise ValueError(f"{name}: size: {size!r} is no number of bytes")
    wanted = tuple(_text(item, f"{name}: wanted") for item in _list(row.get("wanted"), f"{name}: wanted"))
    if not all(item.count(" ") == 1 for item in wanted):
        raise ValueError(f"{name}: wanted: not a pkgset and a pattern")
    needs = {
        _text(pattern, f"{name}: needs"): _text(other, f"{name}: needs")
        for pattern, other in _table(row.get("needs"), f"{name}: needs").items()
    }
    built = _text(row.get("built", ""), f"{name}: built")
    return LockedPackage(name, _text(row.get("input"), f"{name}: input"), size, wanted, needs, built)


def _input(value: Any) -> LockedInput:
    row = _table(value, "an input")
    name = _text(row.get("name"), "name of an input")
    kind, size, sha512 = row.get("kind"), row.get("size"), row.get("sha512")
    if kind not in KINDS:
        raise ValueError(f"{name}: kind: {kind!r} is none of {', '.join(KINDS)}")
    if type(size) is not int or size < 0:
        raise ValueError(f"{name}: size: {size!r} is no number of bytes")
    if not isinstance(sha512, str) or not SHA512_HEX.fullmatch(sha512):
        raise ValueError(f"{name}: sha512: not a SHA-512 digest")
    urls = tuple(_text(url, f"{name}: urls") for url in _list(row.get("urls"), f"{name}: urls"))
    trust, version = _text(row.get("trust"), f"{name}: trust"), _text(row.get("version", ""), f"{name}: version")
    return LockedInput(name, cast(Kind, kind), urls, size, sha512, trust, version)


def _table(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what}: not a JSON object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what}: not a JSON array")
    return value


def _text(value: Any, what: str) -> str:
    # Names and URLs are shown on terminals and handed to programs.
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{what}: not a line of text")
    return value
