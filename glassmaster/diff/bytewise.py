"""Two files by their bytes, explained by diffoscope(1) within a time; only for the few of which bytes matter."""

from __future__ import annotations

from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

SECONDS, GRACE = 60, 5
TEXT_BYTES = 100_000


def diffoscope(old: Path, new: Path, seconds: int = SECONDS) -> Command:
    """Its report as text on standard output. Its status 1, for a difference, becomes 0."""
    return Command((
        "sh", "-c", '"$@"; status=$?; [ "$status" = 1 ] || exit "$status"', "sh",
        "timeout", "-k", str(GRACE), str(seconds + GRACE), "diffoscope", "--no-progress", "--timeout", str(seconds),
        "--exclude-directory-metadata", "yes", "--max-text-report-size", str(TEXT_BYTES), "--text", "-",
        str(old), str(new),
    ))  # fmt: skip


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
        if "status 124" in error.what or "status 137" in error.what:
            return f"diffoscope took longer than {seconds} s and was stopped\n"
        raise
    return said.replace(f"{work}/", "")
