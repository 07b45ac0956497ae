"""What an ELF file is, as far as two of them are compared."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

MAGIC = b"\x7fELF"
# Sections with what a run of the compiler leaves behind, in whatever file: the program does not use them.
_LEFT_BEHIND = (".comment", ".ident", ".gnu_debuglink", ".gnu_debugdata")
# Of object files: relocations and the names that they are about.
_LINKED = ("SHT_REL", "SHT_RELA", "SHT_SYMTAB", "SHT_STRTAB")
_SHF_ALLOC = 2
_KINDS = {"NT_GNU_ABI_TAG": 1, "NT_GNU_HWCAP": 2, "NT_GNU_BUILD_ID": 3, "NT_GNU_GOLD_VERSION": 4}
BUILD_ID, RELEASE, OTHER = "build id", "release", "other"
_DIGITS = 16


@dataclass(frozen=True)
class Elf:
    """sections: those that count, by name, with size and digest; notes are not among them.

    kind, machine: such as ET_DYN, EM_X86_64. entry: where it begins. segments: type and flags of each.
    build_id: hex, or "". release: NetBSD's version in its note, or "". notes: the other ones, such as PaX flags.
    """

    kind: str
    machine: str
    entry: int
    segments: tuple[str, ...]
    needed: tuple[str, ...]
    soname: str
    runpath: str
    interpreter: str
    build_id: str
    release: str
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
    notes: dict[str, list[str]] = {}
    interpreter = ""
    for section in sections:
        kind = section["sh_type"]
        if kind == "SHT_DYNAMIC":
            for tag in section.iter_tags():
                for name in ("needed", "soname", "runpath", "rpath"):
                    if hasattr(tag, name):
                        dynamic.setdefault(name, []).append(str(getattr(tag, name)))
        elif kind == "SHT_NOTE":
            for note in section.iter_notes():
                name, words = _note(note)
                notes.setdefault(name, []).append(words)
        elif section.name == ".interp":
            interpreter = section.data().rstrip(b"\0").decode("utf-8", "backslashreplace")
    return Elf(
        str(file["e_type"]), str(file["e_machine"]), int(file["e_entry"]),
        tuple(f"{segment['p_type']} {segment['p_flags']}" for segment in file.iter_segments()),
        tuple(dynamic.get("needed", ())), "".join(dynamic.get("soname", ())),
        ":".join((*dynamic.get("runpath", ()), *dynamic.get("rpath", ()))), interpreter,
        "".join(notes.get(BUILD_ID, ())), "".join(notes.get(RELEASE, ())), tuple(notes.get(OTHER, ())),
        dict(_counting(sections, is_object=file["e_type"] == "ET_REL")),
    )  # fmt: skip


def _note(note: Any) -> tuple[str, str]:
    """What a note is of, and what it says. NetBSD's holds its version as a number (MMmmrrpp00, sys/sys/param.h)."""
    name, kind, data = str(note["n_name"]), note["n_type"], bytes(note["n_descdata"])
    # pyelftools takes a type for GNU's, whosever note it is.
    number = _KINDS.get(kind, kind)
    if (name, number) == ("GNU", 3):
        return BUILD_ID, data.hex()
    if (name, number) == ("NetBSD", 1) and len(data) == 4:
        version = int.from_bytes(data, "little")
        major, minor, patch = version // 100_000_000, version // 1_000_000 % 100, version // 100 % 10_000
        return RELEASE, f"NetBSD {major}.{minor}" + (f".{patch}" if patch else "")
    return OTHER, f"{name} {number}: {data.hex()}"


def _counting(sections: list[Any], *, is_object: bool) -> Iterator[tuple[str, tuple[int, str]]]:
    """What is loaded; of object files and kernel modules also what the linker needs to put it together."""
    for section in sections:
        kind, loaded = section["sh_type"], section["sh_flags"] & _SHF_ALLOC
        linked = is_object and kind in _LINKED and not section.name.startswith((".debug", ".rela.debug"))
        if (loaded or linked) and kind != "SHT_NOTE" and section.name not in _LEFT_BEHIND:
            data = b"" if kind == "SHT_NOBITS" else section.data()
            yield str(section.name), (int(section["sh_size"]), hashlib.sha256(data).hexdigest()[:_DIGITS])


def only_recompiled(old: Elf, new: Elf) -> bool:
    """True if nothing differs that the program or its linker uses."""
    return bool(old.sections) and used(old) == used(new)


def used(elf: Elf) -> Elf:
    """What a program or its linker uses of it."""
    return replace(elf, build_id="", release="", sections=dict(elf.sections))


def differences(old: Elf, new: Elf) -> list[str]:
    """What differs, a line each."""
    lines = [
        f"{word}: {before or 'none'} -> {after or 'none'}"
        for word, before, after in (
            ("kind", old.kind, new.kind), ("machine", old.machine, new.machine),
            ("soname", old.soname, new.soname), ("run path", old.runpath, new.runpath),
            ("interpreter", old.interpreter, new.interpreter), ("build id", old.build_id, new.build_id),
            ("made for", old.release, new.release), ("notes", ", ".join(old.notes), ", ".join(new.notes)),
            ("entry", f"{old.entry:#x}", f"{new.entry:#x}"),
            ("segments", ", ".join(old.segments), ", ".join(new.segments)),
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
