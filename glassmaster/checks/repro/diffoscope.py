"""Differences explained by diffoscope(1), bounded in time and size. What it lacked for that is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks.diffoscope import bounded, took_too_long
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

SECONDS, GRACE = 120, 20
HTML_BYTES, TEXT_BYTES, BLOCK_LINES = 2_000_000, 200_000, 2000
FAT_SIGNATURE, FAT_BYTES = (b"FAT12", b"FAT16", b"FAT32"), 90
_LACKING = re.compile(r"Installing the '[^']+'[^\n]*?may produce (?:a )?better output|'[^']+' not available in path")


@dataclass(frozen=True)
class Explained:
    """What diffoscope wrote, and what kept it from saying more."""

    reports: tuple[Path, ...]
    problems: tuple[str, ...]


def compare(plain: Path, other: Path, text: Path, html: Path, seconds: int = SECONDS) -> Command:
    """Compare two files: text and HTML, no longer than this, and not larger."""
    return bounded(
        plain, other, "--max-report-size", str(HTML_BYTES), "--max-page-size", str(HTML_BYTES),
        "--max-diff-block-lines-saved", str(BLOCK_LINES), "--text", str(text), "--html", str(html),
        seconds=seconds, grace=GRACE, text_bytes=TEXT_BYTES,
    )  # fmt: skip


def copy_out(image: Path, folder: Path) -> Command:
    """Copy all files of a FAT image into a directory (mtools)."""
    return Command(("mcopy", "-i", str(image), "-s", "-n", "-m", "::/", str(folder)))


def listing(image: Path) -> Command:
    """Names, sizes and times in a FAT image."""
    return Command(("mdir", "-i", str(image), "-a", "-/", "::/"))


def parameters(image: Path) -> Command:
    """The boot sector of a FAT image in words, the serial number among them."""
    return Command(("minfo", "-i", str(image), "::"))


def explain(name: str, plain: Path, other: Path, folder: Path) -> Explained:
    """Compare two files that differ; `name` is what the reports are called in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace("/", "-")
    text, html = folder / f"{stem}.txt", folder / f"{stem}.html"
    for path in (text, html):
        path.unlink(missing_ok=True)
    try:
        run(compare(_readable(plain, folder), _readable(other, folder), text, html), log=folder / f"{stem}.log")
    except GlassmasterError as error:
        how = "took too long and was stopped" if took_too_long(error) else error.what
        return Explained(tuple(path for path in (text, html) if path.exists()), (f"diffoscope: {how}\n{error.why}",))
    found = _shortened(text) if text.exists() else ""
    lacking = tuple(f"diffoscope: {problem}" for problem in problems(found))
    return Explained(tuple(path for path in (text, html) if path.exists()), lacking)


def _shortened(path: Path) -> str:
    """What the report says, cut to its bound: diffoscope looks at that only between parts."""
    if path.stat().st_size > TEXT_BYTES:
        with path.open("rb") as stream:
            data = stream.read(TEXT_BYTES)
        path.write_bytes(data.rpartition(b"\n")[0] + b"\n[cut here]\n")
    return path.read_text(encoding="utf-8", errors="replace")


def problems(text: str) -> Iterator[str]:
    """What a report says it lacked, once each."""
    yield from dict.fromkeys(match[0] for match in _LACKING.finditer(text))


def _readable(path: Path, folder: Path) -> Path:
    """The file itself; or the parts of a FAT image: diffoscope needs a virtual machine to look into one."""
    with path.open("rb") as stream:
        start = stream.read(FAT_BYTES)
    if not any(signature in start for signature in FAT_SIGNATURE):
        return path
    parts = folder / "parts" / path.parent.parent.name / path.name
    (parts / "files").mkdir(parents=True, exist_ok=True)
    (parts / "boot-sector.txt").write_bytes(_without_path(run(parameters(path)), path))
    (parts / "listing.txt").write_bytes(run(listing(path)))
    (parts / "bytes.txt").write_text(hexadecimal(path.read_bytes()), encoding="ascii")
    run(copy_out(path, parts / "files"))
    return parts


def hexadecimal(data: bytes) -> str:
    """Bytes as text, 16 a line, each line with its place."""
    return "".join(f"{at:08x}: {data[at : at + 16].hex(' ')}\n" for at in range(0, len(data), 16))


def _without_path(said: bytes, path: Path) -> bytes:
    return said.replace(str(path).encode(), b"IMAGE")
