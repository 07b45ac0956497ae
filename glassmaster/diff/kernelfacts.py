"""The configuration inside a kernel as settings: what is set in the end, each by what it is about.

config(1) reads statement after statement; a later one adds, replaces, or takes back (`no ...`). What is left is what
the kernel was made of (config.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.embedded import EmbeddedConfig, embedded_config
from glassmaster.inputs.kernel.file import kernel_bytes
from glassmaster.inputs.kernel.statements import included, statements

_KERNEL = re.compile(r"netbsd[^/]*|(?:.*/)?binary/kernel/netbsd-[^/]+\.gz")
# Statements whose words are a list with commas: NAME or NAME=VALUE.
_LISTS = ("options", "makeoptions", "file-system", "filesystem")
# What `config NAME` says: its root and its dumps.
_ROOT = re.compile(r"(?P<name>\S+) root on (?P<root>.*?)(?: dumps on (?P<dumps>.*))?")
# Statements with names that only config(1) itself reads.
_SILENT = ("include", "cinclude", "prefix", "buildprefix", "machine", "version", "ident", "maxusers")


@dataclass(frozen=True)
class KernelFacts:
    """settings: such as "options XEN" or "vnd* pseudo-device" with their values. problem: why there is nothing.

    roots, dumps: of each `config` statement, by its name.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[str, str] = field(default_factory=dict)
    dumps: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def is_kernel(path: str) -> bool:
    """Whether a file is a kernel, by where a disc has it."""
    return _KERNEL.fullmatch(path) is not None


def read_kernel_facts(data: bytes, path: str) -> KernelFacts:
    """Read a kernel's file, plain or gzip'd; whatever is wrong with it is told, not raised."""
    try:
        return of_config(embedded_config(kernel_bytes(iter([data]), path), path))
    except GlassmasterError as error:
        return KernelFacts(problem=f"{error.what}" + (f" ({error.why})" if error.why else ""))


def of_config(embedded: EmbeddedConfig) -> KernelFacts:
    """The settings of an embedded configuration."""
    settings: dict[str, str] = {}
    for statement in statements(embedded.top.lines, included(embedded)):
        _apply(statement, settings)
    roots: dict[str, str] = {}
    dumps: dict[str, str] = {}
    for key in [key for key in settings if key.startswith("config ")]:
        match = _ROOT.fullmatch(settings.pop(key))
        if match:
            roots[match["name"]], dumps[match["name"]] = match["root"], match["dumps"] or ""
    return KernelFacts(settings, roots, dumps)


def _apply(statement: list[str], settings: dict[str, str]) -> None:
    match statement:
        case ["no", word, *rest]:
            for key in list(_matching([word, *rest], settings)):
                del settings[key]
        case [word, *rest] if word in _LISTS:
            for name, value in _listed(rest):
                settings[f"{_one(word)} {name}"] = value
        case ["config", name, *rest]:
            settings[f"config {name}"] = " ".join([name, *rest])
        case ["pseudo-device", name, *rest]:
            settings[f"pseudo-device {name}"] = " ".join(rest)
        case [word, value, *_] if word in _SILENT:
            settings[word] = value
        case [name, "at", attachment, *rest]:
            settings[f"{name} at {attachment}"] = " ".join(rest)
        case [word, *rest]:
            settings[" ".join([word, *rest[:1]])] = " ".join(rest[1:])


def _one(word: str) -> str:
    return "file-system" if word == "filesystem" else word


def _listed(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """`A, B="x y"` as names and values; a comma in quotes is part of its value."""
    for item in re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', "".join(words)):
        name, _, value = item.strip().partition("=")
        if name:
            yield name, value


def _matching(words: list[str], settings: Mapping[str, str]) -> Iterator[str]:
    """The settings that `no ...` takes back: an option, a device everywhere or at one place, all at one place."""
    match words:
        case [word, *rest] if word in _LISTS:
            names = {f"{_one(word)} {name}" for name, _ in _listed(rest)}
            yield from (key for key in settings if key in names)
        case [("config" | "pseudo-device") as word, name, *_]:
            yield from (key for key in settings if key == f"{word} {name}")
        case ["device", "at", attachment, *_]:
            yield from (key for key in settings if key.endswith(f" at {attachment}"))
        case [name, "at", attachment, *_]:
            yield from (key for key in settings if key == f"{name} at {attachment}")
        case [name]:
            yield from (key for key in settings if key == name or key.startswith(f"{name} at "))
