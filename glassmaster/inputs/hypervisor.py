"""The hypervisor out of its package, Debian's or pkgsrc's, and whether the dom0's xentools can talk to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.debian import extracted
from glassmaster.inputs.pkgsrc.archive import opened
from glassmaster.inputs.pkgsrc.patterns import base_of
from glassmaster.inputs.record import Record
from glassmaster.inputs.store import Store
from glassmaster.recipe.model import Xen
from glassmaster.recipe.parts import image_name

_TOOLS = re.compile(r"xentools([0-9]{2,4})")
_KERNEL = re.compile(r"xenkernel([0-9]{2,4})")
_DEBIAN = re.compile(r"(?:[0-9]+:)?([0-9])\.([0-9]{1,2})\b")


@dataclass(frozen=True)
class Hypervisor:
    """version: of its package, with the package's name where that is pkgsrc's, whose versions are days."""

    version: str
    data: bytes


def hypervisor(xen: Xen, inputs: Record, store: Store) -> Hypervisor:
    """The file, as it lies in the package; an error where the dom0's xentools are another Xen's."""
    names = dom0_packages(inputs)
    if xen.source == "debian":
        package = inputs.package(xen.package)
        require_same_number(xen.package, _number(_DEBIAN, package.version), names)
        folder = extracted(package, [xen.member], store, key=hashlib.sha256(xen.member.encode()).hexdigest()[:16])
        return Hypervisor(package.version, (folder / PurePosixPath(xen.member).name).read_bytes())
    require_same_number(xen.package, _number(_KERNEL, xen.package), names)
    row = package_row(xen, inputs)
    file = PurePosixPath(row["name"]).name
    archive = opened(row["sha512"], file, store)
    member = archive.index.members.get(xen.member)
    if member is None or member.kind != "file":
        there = [path for path, item in archive.index.members.items() if item.kind == "file" and path[:1] != "+"]
        raise GlassmasterError(
            f"xen.member: {file} has no file {xen.member}", why=f"it has {', '.join(there[:8]) or 'none'}"
        )
    return Hypervisor(PurePosixPath(row["name"]).stem, archive.index.read(xen.member) or b"")


def package_row(xen: Xen, inputs: Record) -> dict[str, Any]:
    """The input that the hypervisor is in."""
    if xen.source == "debian":
        return inputs.row(f"debian/{xen.package}")
    names = dom0_packages(inputs)
    for name, file in names.items():
        if base_of(name) == xen.package:
            return inputs.row(file)
    raise GlassmasterError(
        f"xen.package: {xen.package} is none of the dom0's packages", why=f"these are {', '.join(names) or 'none'}",
        hint=f"list {xen.package} in a pkgset of packages.sets (pkgsets/dom0-core.yaml has it), then `doit lock`",
    )  # fmt: skip


def dom0_packages(inputs: Record) -> dict[str, str]:
    """The dom0's packages of pkgsrc, by name, each with the name of its file."""
    # Names are enough here; that their files are there, too, is for the step that installs them.
    rows = inputs.document.get("packages", {}).get(image_name(), [])
    return {str(row["name"]): str(row["input"]) for row in rows}


def require_same_number(package: str, number: str, packages: Iterable[str]) -> None:
    """Xen refuses the calls of another number's xl (XEN_DOMCTL_INTERFACE_VERSION). number: as in xentools420, or ""."""
    for name in packages:
        tools = _number(_TOOLS, base_of(name))
        if tools and number and tools != number:
            raise GlassmasterError(
                f"xen.package: {package} is Xen {_dotted(number)}, and the dom0's packages have {name}, "
                f"which is for Xen {_dotted(tools)}",
                why="xl could start no virtual machine: Xen refuses the tools of another version",
                hint=f"`xen: {{source: pkgsrc, package: xenkernel{tools}, member: xen{tools}-kernel/xen.gz}}`, with "
                f"xenkernel{tools} in a pkgset of packages.sets; or take xentools{number}",
            )


def _number(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return "".join(found.groups()) if found else ""


def _dotted(number: str) -> str:
    return f"{number[0]}.{number[1:]}"
