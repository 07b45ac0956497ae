"""diffoscope(1), kept within a time and a length, for all that call it."""

from __future__ import annotations

from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.run import Command

# Its status for files that differ, which is no failure.
_DIFFERENT = 1
# What timeout(1) ends with when it had to end it, or to kill it.
_ENDED_BY_TIMEOUT = (124, 137)


def bounded(old: Path, new: Path, *options: str, seconds: int, grace: int, text_bytes: int) -> Command:
    """Compare two files. It may take this time, and is killed if it takes no notice; its status for a difference is 0.

    text_bytes: where it stops a report as text. options: where the reports go, and bounds of other forms.
    """
    return Command((
        "sh", "-c", f'"$@"; status=$?; [ "$status" = {_DIFFERENT} ] || exit "$status"', "sh",
        "timeout", "-k", str(grace), str(seconds + grace), "diffoscope", "--no-progress", "--timeout", str(seconds),
        "--exclude-directory-metadata", "yes", "--max-text-report-size", str(text_bytes), *options, str(old), str(new),
    ))  # fmt: skip


def took_too_long(error: GlassmasterError) -> bool:
    """Whether a run failed since its time was over."""
    return any(error.what.endswith(f" ended with status {status}") for status in _ENDED_BY_TIMEOUT)
