"""Two files by their bytes, explained by diffoscope(1) within a time; only for the few of which bytes matter."""

from __future__ import annotations

from pathlib import Path

from glassmaster.checks.diffoscope import bounded, took_too_long
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

SECONDS, GRACE = 60, 5
TEXT_BYTES = 100_000


def diffoscope(old: Path, new: Path, seconds: int = SECONDS) -> Command:
    """Its report as text on standard output."""
    return bounded(old, new, "--text", "-", seconds=seconds, grace=GRACE, text_bytes=TEXT_BYTES)


def explained(path: str, old: bytes, new: bytes, work: Path, seconds: int = SECONDS) -> str:
    """What diffoscope says; or that it took too long."""
    files = []
    for side, data in (("old", old), ("new", new)):
        file = work / side / Path(path).name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        files.append(file)
    try:
        said = run(diffoscope(files[0], files[1], seconds)).decode("utf-8", "replace")
    except GlassmasterError as error:
        if took_too_long(error):
            return f"diffoscope took longer than {seconds} s and was stopped\n"
        raise
    return said.replace(f"{work}/", "")
