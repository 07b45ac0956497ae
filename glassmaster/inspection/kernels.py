"""What a kernel's file says of itself: its version, and the configuration inside it."""

from __future__ import annotations

import re

from glassmaster.diff.kernelfacts import KernelFacts, read_kernel_facts
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.file import kernel_bytes
from glassmaster.inspection.model import Cell, Report, table

# sys/conf/newvers.sh: "NetBSD 10.1 (XEN3_DOM0) #0: Mon Dec 16 ...". The configuration inside has comments that
# name other versions ("# compatibility with NetBSD 1.5,").
_VERSION = re.compile(rb"NetBSD \d[^\s()]{0,40} \([\x21-\x7e]{1,60}\)[\x20-\x7e]{0,120}")


def kernel_facts(data: bytes, name: str, *, whole: bool = False) -> Report:
    """A kernel's file, plain or gzip'd. whole: with a table of all settings."""
    found = read_kernel_facts(data, name)
    facts = [("version", _version(data, name)), ("packed", "gzip" if data.startswith(b"\x1f\x8b") else "")]
    facts += [(f"config {one}", _where(found, one)) for one in sorted(found.roots)]
    facts += [("settings", _counts(found))] if found.settings else []
    rows: list[tuple[Cell, ...]] = sorted(found.settings.items()) if whole else []
    remarks = (f"no configuration inside: {found.problem}",) if found.problem else ()
    return Report(
        name, "NetBSD kernel", tuple((key, value) for key, value in facts if value),
        table("Configuration", ("setting", "value"), rows), remarks=remarks,
    )  # fmt: skip


def _version(data: bytes, name: str) -> str:
    try:
        match = _VERSION.search(kernel_bytes(iter([data]), name))
    except GlassmasterError:
        return ""
    return match[0].decode("ascii").rstrip() if match else ""


def _where(found: KernelFacts, one: str) -> str:
    dumps = found.dumps.get(one, "")
    return f"root on {found.roots[one]}" + (f", dumps on {dumps}" if dumps else "")


def _counts(found: KernelFacts) -> str:
    words = [setting.split(" ")[0] for setting in found.settings]
    devices = sum(1 for setting in found.settings if " at " in setting)
    return f"{words.count('options'):,} options, {words.count('pseudo-device'):,} pseudo-devices, {devices:,} devices"
