"""What the matrix needs besides doit: the library that shuffles directories, a locale, faketime, another Python."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks.repro.matrix import LOCALE, LOCALE_CHARACTERS, LOCALE_SOURCE
from glassmaster.checks.repro.surroundings import Surroundings
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

SHUFFLE = Path(__file__).with_name("shuffle.c")
# Debian's, and where other distributions have it.
FAKETIME = (
    "/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1", "/usr/local/lib/faketime/libfaketime.so.1",
)  # fmt: skip
OLDEST, NEWEST = 11, 20


def compile_shuffle(output: Path) -> Command:
    """Make the library that shuffles directories."""
    return Command(("gcc", "-shared", "-fPIC", "-O2", "-Wall", "-o", str(output), str(SHUFFLE)))


def compile_locale(output: Path) -> Command:
    """Make a locale below LOCPATH from the sources that Debian's package locales has."""
    return Command(("localedef", "-c", "-f", LOCALE_CHARACTERS, "-i", LOCALE_SOURCE, str(output / LOCALE)))


def make_locale(folder: Path) -> None:
    """Once for all builds."""
    folder.mkdir(parents=True, exist_ok=True)
    run(compile_locale(folder))


def make_etc(around: Surroundings, folder: Path) -> None:
    """The files that lie over /etc in a build: which libraries every program loads, and how much later the clock is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    libraries = []
    if around.shuffled:
        shuffle = folder.parent / "shuffle.so"
        run(compile_shuffle(shuffle))
        libraries.append(str(shuffle))
    if around.days:
        libraries.append(str(_faketime()))
        (folder / "faketimerc").write_text(f"+{around.days}d\n", encoding="ascii")
    (folder / "ld.so.preload").write_text("".join(f"{path}\n" for path in libraries), encoding="utf-8")


def _faketime() -> Path:
    for pattern in FAKETIME:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            return path
    raise GlassmasterError("there is no libfaketime.so.1", why=f"looked at {', '.join(FAKETIME)}")


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
