"""What the matrix needs besides doit: libraries that shuffle directories and advance the clock, a locale, a Python."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks.repro.matrix import LOCALE, LOCALE_CHARACTERS, LOCALE_SOURCE
from glassmaster.checks.repro.surroundings import DAY, Surroundings
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

SHUFFLE, LATER = (Path(__file__).with_name(name) for name in ("shuffle.c", "later.c"))
OLDEST, NEWEST = 11, 20


def compile_library(source: Path, output: Path, *definitions: str) -> Command:
    """Make a library to be preloaded."""
    return Command(("gcc", "-shared", "-fPIC", "-O2", "-Wall", *definitions, "-o", str(output), str(source)))


def compile_locale(output: Path) -> Command:
    """Make a locale below LOCPATH from the sources that Debian's package locales has."""
    return Command(("localedef", "-c", "-f", LOCALE_CHARACTERS, "-i", LOCALE_SOURCE, str(output / LOCALE)))


def make_locale(folder: Path) -> None:
    """Once for all builds."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / LOCALE).exists():
        run(compile_locale(folder))


def make_etc(around: Surroundings, folder: Path) -> None:
    """The file that lies over /etc in a build: which libraries every program loads, whatever its environment."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    libraries: dict[Path, tuple[str, ...]] = {SHUFFLE: ()} if around.shuffled else {}
    if around.days:
        libraries[LATER] = (f"-DLATER={around.days * DAY}",)
    for source, definitions in libraries.items():
        run(compile_library(source, _library(folder, source), *definitions))
    lines = [f"{_library(folder, source)}\n" for source in libraries]
    (folder / "ld.so.preload").write_text("".join(lines), encoding="utf-8")


def _library(folder: Path, source: Path) -> Path:
    return folder.with_name(f"{source.stem}.so")


@dataclass(frozen=True)
class Interpreter:
    """A Python: its program, and its version."""

    program: str
    version: str


def other_python() -> Interpreter | None:
    """The newest Python on PATH that is neither too old nor of the version that runs this."""
    found = [item for item in _pythons() if item is not None]
    return found[0] if found else None


def _pythons() -> Iterator[Interpreter | None]:
    for minor in range(NEWEST, OLDEST - 1, -1):
        program = shutil.which(f"python3.{minor}")
        if program and minor != sys.version_info.minor:
            # Some are scripts that choose among several, or find none.
            ask = Command((program, "-I", "-c", "import sys; print(sys.executable); print(sys.version.split()[0])"))
            try:
                real, version = run(ask).decode().split("\n")[:2]
            except (GlassmasterError, ValueError):
                continue
            yield Interpreter(real, version)
