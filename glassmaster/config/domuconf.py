"""domu.conf, the description of one virtual machine: docs/domu-conf.md has its form and its mistakes.

The reader on the servers is overlays/dom0/libexec/glassmaster/domuconf.sh; both must read alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from glassmaster.errors import GlassmasterError

MOST_DATA = 8
DEFAULTS = {
    "vcpus": "1", "order": "100", "autostart": "yes", "kernel": "/netbsd-XEN3_DOMU", "arguments": "root=xbd0a",
}  # fmt: skip
LONGEST = 200

_BLANKS = " \t"
_STRANGE = re.compile(rb"[^\t -~]")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,6}")
_MAC = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")
_BRIDGE = re.compile(r"[a-z][a-z0-9]{0,14}")
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._+-]+)+")
_ARGUMENTS = re.compile(r"[A-Za-z0-9 \t._/=:,+-]*")


@dataclass(frozen=True)
class DomU:
    """One virtual machine. memory: MiB; an empty text stands for what was not given.

    lines: where each key stands (data: its first line), counted from 1; keys that were not given are missing.
    """

    memory: int
    vcpus: int
    mac: str
    bridge: str
    root: str
    config: str
    swap: str
    data: tuple[str, ...]
    kernel: str
    arguments: str
    order: int
    autostart: bool
    lines: Mapping[str, int] = field(default_factory=dict)

    def disks(self) -> tuple[tuple[str, str], ...]:
        """Key and path of every disk, in the order in which the machine gets them."""
        named = (("root", self.root), ("config", self.config), ("swap", self.swap))
        return (*((key, path) for key, path in named if path), *(("data", path) for path in self.data))


def is_name(text: str) -> bool:
    """Whether a directory's name can be a virtual machine's."""
    return _NAME.fullmatch(text) is not None


def read_domuconf(data: bytes, label: str) -> DomU:
    """Read a file's bytes; `label` is what errors call it. Raises GlassmasterError for the first mistake."""
    values: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        where = f"{label}:{number}"
        if _STRANGE.search(line):
            raise GlassmasterError(f"{where}: only printable ASCII is allowed")
        text = line.decode("ascii").strip(_BLANKS)
        if not text or text.startswith("#"):
            continue
        key, separator, value = (part.strip(_BLANKS) for part in text.partition("="))
        if not separator or not key:
            raise GlassmasterError(f'{where}: not of the form "key = value"')
        if problem := _not_now(key, values) or _CHECKS[key](value):
            raise GlassmasterError(f"{where}: {key}: {problem}")
        values.setdefault(key, []).append(value)
        lines.setdefault(key, number)
    return _whole(values, lines, label)


def _not_now(key: str, values: Mapping[str, list[str]]) -> str:
    """Why a key cannot stand here, or ""."""
    if key not in _CHECKS:
        return "no such key"
    if key == "data":
        return f"given more than {MOST_DATA} times" if len(values.get(key, ())) == MOST_DATA else ""
    return "given twice" if key in values else ""


def _whole(values: Mapping[str, list[str]], lines: Mapping[str, int], label: str) -> DomU:
    for key in ("memory", "root"):
        if key not in values:
            raise GlassmasterError(f"{label}: {key} is missing")
    if ("mac" in values) != ("bridge" in values):
        raise GlassmasterError(f"{label}: mac and bridge belong together")

    def one(key: str) -> str:
        return values[key][0] if key in values else DEFAULTS.get(key, "")

    return DomU(
        memory=int(one("memory")), vcpus=int(one("vcpus")), mac=one("mac"), bridge=one("bridge"), root=one("root"),
        config=one("config"), swap=one("swap"), data=tuple(values.get("data", ())), kernel=one("kernel"),
        arguments=one("arguments"), order=int(one("order")), autostart=one("autostart") == "yes", lines=lines,
    )  # fmt: skip


def _number(low: int, high: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        right = _NUMBER.fullmatch(text) and low <= int(text) <= high
        return "" if right else f"must be a number from {low} to {high}"

    return check


def _form(form: re.Pattern[str], words: str) -> Callable[[str], str]:
    return lambda text: "" if form.fullmatch(text) and len(text) <= LONGEST else f"must be {words}"


_path = _form(_PATH, "an absolute path of plain characters")
_CHECKS: Mapping[str, Callable[[str], str]] = {
    "memory": _number(1, 1048576),
    "vcpus": _number(1, 128),
    "mac": _form(_MAC, "six pairs of lower-case hexadecimal digits, not multicast"),
    "bridge": _form(_BRIDGE, "a name such as bridge0"),
    "root": _path,
    "config": _path,
    "swap": _path,
    "data": _path,
    "kernel": _path,
    "arguments": _form(_ARGUMENTS, "up to 200 plain characters"),
    "order": _number(0, 9999),
    "autostart": _form(re.compile("yes|no"), "yes or no"),
}
