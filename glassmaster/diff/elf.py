"""What an ELF file is, as far as two of them are compared."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAGIC = b"\x7fELF"
# Sections with what a run of the compiler leaves behind, in whatever file: the program does not use them.
_LEFT_BEHIND = (".comment", ".ident", ".gnu_debuglink", ".gnu_debugdata")
_SHF_ALLOC = 2
_DIGITS = 16


@dataclass(frozen=True)
class Elf:
    """sections: those that are loaded, by name, with size and digest; notes are not among them.

    kind, machine: such as ET_DYN, EM_X86_64. notes: in words, such as NetBSD 10.1. build_id: hex, or "".
    """

    kind: str
    machine: str
    needed: tuple[str, ...]
    soname: str
    runpath: str
    interpreter: str
    build_id: str
    notes: tuple[str, ...]
    sections: Mapping[str, tuple[int, str]]


def read_elf(data: bytes) -> Elf | None:
    """Read a file; None when it is no ELF file, or a damaged one."""
    if not data.startswith(MAGIC):
        return None
    # Here, not above: only who compares programs needs it.
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        return _read(ELFFile(io.BytesIO(data)))
    except (ELFError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, MemoryError):
        return None  # a file that claims to be what it is not: its bytes are compared, not its parts
    except (AssertionError, RecursionError, UnicodeError):
        return None


def _read(file: Any) -> Elf:
    sections = list(file.iter_sections())
    dynamic: dict[str, list[str]] = {}
    notes: list[str] = []
    build_id = interpreter = ""
    for section in sections:
        kind = section["sh_type"]
        if kind == "SHT_DYNAMIC":
            for tag in section.iter_tags():
                for name in ("needed", "soname", "runpath", "rpath"):
                    if hasattr(tag, name):
                        dynamic.setdefault(name, []).append(str(getattr(tag, name)))
        elif kind == "SHT_NOTE":
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    build_id = str(note["n_desc"])
                notes += _in_words(note)
        elif section.name == ".interp":
            interpreter = section.data().rstrip(b"\0").decode("utf-8", "backslashreplace")
    return Elf(
        str(file["e_type"]), str(file["e_machine"]), tuple(dynamic.get("needed", ())),
        "".join(dynamic.get("soname", ())), ":".join((*dynamic.get("runpath", ()), *dynamic.get("rpath", ()))),
        interpreter, build_id, tuple(notes), dict(_loaded(sections)),
    )  # fmt: skip


def _in_words(note: Any) -> Iterator[str]:
    """NetBSD's identification note holds its version as a number (sys/sys/param.h: MMmmrrpp00)."""
    if str(note["n_name"]) != "NetBSD":
        return
    raw = note["n_desc"]
    data = raw if isinstance(raw, bytes) else str(raw).encode("latin-1", "replace")
    if note["n_type"] in (1, "NT_VERSION", "NT_GNU_ABI_TAG") and len(data) == 4:
        number = int.from_bytes(data, "little")
        major, minor, patch = number // 100_000_000, number // 1_000_000 % 100, number // 100 % 10_000
        yield f"NetBSD {major}.{minor}" + (f".{patch}" if patch else "")


def _loaded(sections: list[Any]) -> Iterator[tuple[str, tuple[int, str]]]:
    for section in sections:
        kind, loaded = section["sh_type"], section["sh_flags"] & _SHF_ALLOC
        if loaded and kind != "SHT_NOTE" and section.name not in _LEFT_BEHIND:
            data = b"" if kind == "SHT_NOBITS" else section.data()
            yield str(section.name), (int(section["sh_size"]), hashlib.sha256(data).hexdigest()[:_DIGITS])


def only_recompiled(old: Elf, new: Elf) -> bool:
    """True if nothing that is loaded differs, but notes and the build id."""
    return bool(old.sections) and _without_notes(old) == _without_notes(new)


def _without_notes(elf: Elf) -> tuple[Any, ...]:
    return (
        elf.kind, elf.machine, elf.needed, elf.soname, elf.runpath, elf.interpreter, dict(elf.sections),
    )  # fmt: skip


def differences(old: Elf, new: Elf) -> list[str]:
    """What differs, a line each."""
    lines = [
        f"{word}: {before or 'none'} -> {after or 'none'}"
        for word, before, after in (
            ("kind", old.kind, new.kind), ("machine", old.machine, new.machine),
            ("soname", old.soname, new.soname), ("run path", old.runpath, new.runpath),
            ("interpreter", old.interpreter, new.interpreter), ("build id", old.build_id, new.build_id),
            ("notes", ", ".join(old.notes), ", ".join(new.notes)),
        )
        if before != after
    ]  # fmt: skip
    lines += [f"needs {name} no more" for name in old.needed if name not in new.needed]
    lines += [f"now needs {name}" for name in new.needed if name not in old.needed]
    if not lines and set(old.needed) == set(new.needed) and old.needed != new.needed:
        lines.append("needs the same libraries in another order")
    for name in dict.fromkeys([*old.sections, *new.sections]):
        before, after = old.sections.get(name), new.sections.get(name)
        if before and not after:
            lines.append(f"section {name} is gone")
        elif after and not before:
            lines.append(f"section {name} is new, {after[0]:,} bytes")
        elif before and after and before != after:
            sizes = f"{before[0]:,} -> {after[0]:,} bytes" if before[0] != after[0] else f"{after[0]:,} bytes"
            lines.append(f"section {name} differs, {sizes}")
    return lines
