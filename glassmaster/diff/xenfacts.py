"""The version of a Xen hypervisor, of its bytes: where no origin tells it."""

from __future__ import annotations

import re

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.file import kernel_bytes

_XEN = re.compile(r"(?:boot/)?xen[^/]*|(?:.*/)?binary/kernel/xen[^/]*\.gz")
# A string of its own, as XEN_FULLVERSION is compiled in: 4.17.7+13-g2445b30a44.
_VERSION = re.compile(rb"\0([34]\.[0-9]{1,2}(?:\.[0-9]+)?(?:[-+~.][0-9A-Za-z.+~-]*)?)\0")


def is_xen(path: str) -> bool:
    """Whether a file is a hypervisor, by where a disc has it."""
    return _XEN.fullmatch(path) is not None


def xen_version(data: bytes, path: str) -> str:
    """The version in a hypervisor's file, plain or gzip'd; "" where it is not found."""
    try:
        found = _VERSION.search(kernel_bytes(iter([data]), path))
    except GlassmasterError:
        return ""
    return found[1].decode("ascii") if found else ""
