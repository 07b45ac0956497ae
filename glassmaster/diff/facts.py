"""What is read of the files of one side: in one go, and of each file only what its meaning needs."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from glassmaster.diff.contents import Contents
from glassmaster.diff.elf import MAGIC, Elf, read_elf, used
from glassmaster.diff.kernelfacts import KernelFacts, is_kernel, read_kernel_facts
from glassmaster.diff.model import Grade
from glassmaster.diff.xenfacts import is_xen, xen_version
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.ar import MAGIC as AR_MAGIC
from glassmaster.inputs.pkgsrc.ar import read_ar

# Texts are kept whole: these, and none that is larger than a person would read.
_KEPT = re.compile(r"(?:usr/pkg/)?etc/.*|boot/.*|boot\.cfg|usr/pkg/share/examples/rc\.d/.*")
TEXT_LIMIT = 1 << 20
_PROBE = 1 << 13


@dataclass(frozen=True)
class Facts:
    """texts, programs, kernels, xen: by path. kinds: "text", "elf" or "data" of every file that was read.

    archives: of static libraries, what is in them but its times and owners.
    """

    texts: Mapping[str, bytes] = field(default_factory=dict)
    programs: Mapping[str, Elf] = field(default_factory=dict)
    kernels: Mapping[str, KernelFacts] = field(default_factory=dict)
    xen: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Grade] = field(default_factory=dict)
    archives: Mapping[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        """A text, bytes that are no UTF-8 as escapes; None when it is none, or was not read."""
        data = self.texts.get(path)
        return None if data is None else data.decode("utf-8", "backslashreplace")


def read_facts(request: tuple[Contents, Collection[str]]) -> Facts:
    """Read these files of a side."""
    contents, paths = request
    texts: dict[str, bytes] = {}
    programs: dict[str, Elf] = {}
    kernels: dict[str, KernelFacts] = {}
    xen: dict[str, str] = {}
    kinds: dict[str, Grade] = {}
    archives: dict[str, str] = {}
    for path, data in contents.each(paths):
        kinds[path] = kind_of(data)
        if is_kernel(path):
            kernels[path] = read_kernel_facts(data, path)
        elif is_xen(path):
            xen[path] = xen_version(data, path)
        elif kinds[path] == "elf" and (program := read_elf(data)):
            programs[path] = program
        elif data.startswith(AR_MAGIC):
            archives[path] = _members(data, path)
        elif kinds[path] == "text" and _KEPT.fullmatch(path) and len(data) <= TEXT_LIMIT:
            texts[path] = data
    return Facts(texts, programs, kernels, xen, kinds, archives)


def _members(data: bytes, path: str) -> str:
    """A digest of an ar archive's members: of object files what counts of them, of others their bytes."""
    digest = hashlib.sha256()
    try:
        for member in read_ar(io.BytesIO(data), path):
            body = data[member.offset : member.offset + member.size]
            program = read_elf(body)
            digest.update(repr((member.name, used(program) if program else body)).encode())
    except GlassmasterError:
        digest.update(data)
    return digest.hexdigest()


def kind_of(data: bytes) -> Grade:
    """What a file's bytes are."""
    if data.startswith(MAGIC):
        return "elf"
    return "data" if b"\0" in data[:_PROBE] or data.startswith(b"\x1f\x8b") else "text"
