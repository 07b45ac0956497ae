"""The stand-in's source sets: a build.sh of our own that takes NetBSD's arguments, and the stand-in kernel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.kernel_build import FLAGS, SOURCES, kernel_defines, kernel_files

BUILD = Path(__file__).parent / "source"
TOP = "usr/src"
README = """\
The sources of glassmaster's stand-in release. They are not NetBSD's: build.sh takes some of the arguments of NetBSD's
and makes the stand-in kernel with this machine's compiler.
"""


def source_files() -> list[Path]:
    """All files that the source sets are made of, sorted."""
    return sorted([*kernel_files(), *(path for path in BUILD.iterdir() if path.is_file())])


def source_sets(machine: str) -> Mapping[str, list[Item]]:
    """The contents of the source sets, by the set's name; every set holds all directories above its files."""
    kernel = {
        f"sys/arch/{machine}/{'' if path.parent.name == 'conf' else 'standin/'}{path.relative_to(SOURCES)}": path
        for path in kernel_files()
    }
    flags = "".join(f"{flag}\n" for flag in (*FLAGS, *kernel_defines()))
    return {
        "src": _items({
            "build.sh": (BUILD / "build.sh").read_bytes(), "README": README.encode(),
            "usr.bin/config/config.c": (BUILD / "config.c").read_bytes(),
        }),
        "gnusrc": _items({"gnu/README": README.encode()}),
        "sharesrc": _items({"share/README": README.encode()}),
        "syssrc": _items({
            **{name: path.read_bytes() for name, path in kernel.items()},
            f"sys/arch/{machine}/standin/flags": flags.encode(),
        }),
    }  # fmt: skip


def _items(files: Mapping[str, bytes]) -> list[Item]:
    paths = {f"{TOP}/{name}": data for name, data in files.items()}
    above = {str(folder) for path in paths for folder in PurePosixPath(path).parents if folder.name}
    folders = [Item(path, "dir", 0o755) for path in sorted(above)]
    return folders + [
        Item(path, mode=0o755 if path.endswith(".sh") else 0o644, data=data) for path, data in sorted(paths.items())
    ]
