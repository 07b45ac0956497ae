"""What workers delivered, brought to where a build of one's own would have put it, each file by its SHA-512."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from glassmaster.atomic import writing
from glassmaster.doit_plugins.summary import size_text
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.source import opened
from glassmaster.places import Places
from glassmaster.tree.path import normalized


@dataclass(frozen=True)
class Outcome:
    """What became of one recipe. status: doit's; said: its last lines; files: (path below out/NAME, bytes, SHA-512).

    seconds, cpu, memory: of the whole build on the worker, in seconds and bytes.
    """

    name: str
    status: int
    said: str
    files: tuple[tuple[str, int, str], ...] = ()
    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    worker: str = ""

    @property
    def size(self) -> int:
        """Bytes that were delivered."""
        return sum(size for _, size, _ in self.files)


def gather(outcome: Outcome, results: str) -> Outcome:
    """Bring the files of a recipe to out/NAME; where one is not what the worker said, the recipe has failed."""
    out = Places(outcome.name).out
    try:
        for name, _, sha512 in outcome.files:
            _take(f"{results}/{quote(outcome.name)}/{quote(name)}", out / normalized(name, results), sha512)
    except GlassmasterError as error:
        return replace(outcome, status=1, said=str(error))
    return outcome


def _take(url: str, path: Path, sha512: str) -> None:
    digest = hashlib.sha512()
    with opened(url) as body, writing(path) as stream:
        for piece in body.pieces:
            digest.update(piece)
            stream.write(piece)
        if digest.hexdigest() != sha512:
            why = f"expected {sha512}\nfound    {digest.hexdigest()}"
            raise GlassmasterError(f"{url}: not what the worker delivered", why=why)


def table(outcomes: Sequence[Outcome]) -> str:
    """A row for each recipe, for a terminal."""
    head = ("recipe", "worker", "", "time", "cpu", "memory", "delivered")
    rows = [head, *(_row(item) for item in sorted(outcomes, key=lambda item: item.name))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def _row(item: Outcome) -> tuple[str, ...]:
    return (
        item.name, item.worker, "built" if item.status == 0 else "FAILED", f"{item.seconds:.1f} s", f"{item.cpu:.1f} s",
        size_text(item.memory), f"{len(item.files)} files, {size_text(item.size)}",
    )  # fmt: skip
