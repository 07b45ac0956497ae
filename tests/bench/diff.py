"""How fast is `doit diff`? Two discs of many files, of which a few differ; diffoscope(1) on the same pair beside it.

    .venv/bin/python tests/bench/diff.py                   (20,000 files, 400 MB, 50 changed)
    .venv/bin/python tests/bench/diff.py --diffoscope no   (ours alone)

The old disc is a stand-in release of that size, built by doit; the new one is the same with changed texts. Measured are
whole processes: the median of several runs of ours, for the discs alone and for discs with their specifications beside
them as in out/RECIPE, and one run of diffoscope in the same minutes. Memory is of all processes of a run together
(their proportional set sizes, looked at some times a second), of ours from a run of its own that is not timed. On a
machine with other work the processor time says more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.bench.iso_writer import build  # noqa: E402  # the program is started by its path

# Writes the new disc: the old one's tree, with so many files of one set altered by an overlay.
NEW = """
import sys
from pathlib import Path
from glassmaster import steps
from glassmaster.atomic import write_text
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.places import BOOT_IMAGES, Places
from glassmaster.recipe.load import load
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import merge
from glassmaster.tree.mtree import format_mtree
loaded, target, count = load(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
tree, epoch = steps.merged_tree(loaded), loaded.recipe.epoch
files = [node for node in tree if node.origin == "set:comp" and node.entry.size and not node.entry.inode]
with new_blob(target.with_suffix(".blob")) as blob:
    changed = []
    for node in files[:: len(files) // count][:count]:
        content = node.entry.content
        with content.blob.open("rb") as stream:
            stream.seek(content.offset)
            data = stream.read(content.size) + b"one more line\\n"
        changed.append(Entry(node.entry.path, "file", 0o644, 0, 0, epoch, content=blob.add(data)))
layers = [Layer("all", tuple(node.entry for node in tree)), Layer("overlay:bench", tuple(changed))]
boot = BootImages(*(Places(loaded.name).grub(name).read_bytes() for name in BOOT_IMAGES))
merged = merge(layers, epoch=epoch)
write_iso(merged, boot, target, volume_id=loaded.recipe.media.volume_id, epoch=epoch)
origins = {node.entry.path: node for node in tree}
own = {entry.path for entry in changed}
nodes = [node if node.entry.path in own else origins[node.entry.path] for node in merged]
write_text(target.with_suffix(".mtree"), format_mtree(nodes, comment="glassmaster recipe bench, release 0123456789ab"))
"""
FACTS = """
import sys
from pathlib import Path
from glassmaster.atomic import write_json
from glassmaster.checks.readback import file_digest
for name in sys.argv[1:]:
    write_json(Path(name).with_suffix(".json"), {"sha256": file_digest(Path(name))})
"""
LOOK_EVERY = 0.02


@dataclass(frozen=True)
class Pair:
    """Two discs."""

    name: str
    old: Path
    new: Path


@dataclass(frozen=True)
class Run:
    """Seconds by the clock, and of the processors; MiB at most, 0 where nobody looked."""

    seconds: float
    processor: float
    memory: float


def make(recipe: Path, work: Path, changed: int) -> list[Pair]:
    """The discs alone, and the same with what describes them."""
    described, alone = work / "described", work / "alone"
    described.mkdir()
    alone.mkdir()
    out = REPOSITORY / "out" / recipe.stem
    for suffix in ("iso", "mtree"):
        shutil.copyfile(out / f"dom0.{suffix}", described / f"old.{suffix}")
    python([NEW, recipe, described / "new.iso", changed])
    python([FACTS, described / "old.iso", described / "new.iso"])
    for name in ("old.iso", "new.iso"):
        (alone / name).hardlink_to(described / name)
    return [Pair(folder.name, folder / "old.iso", folder / "new.iso") for folder in (alone, described)]


def python(words: Sequence[object]) -> None:
    """Run a few lines of Python in the repository."""
    subprocess.run([sys.executable, "-c", *map(str, words)], cwd=REPOSITORY, check=True)


def timed(argv: Sequence[str], allowed: range, *, memory: bool = False) -> Run:
    """A whole process, with all that it starts. memory: look how much they hold, which takes time."""
    most = 0
    begin = time.perf_counter()
    process = subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.DEVNULL, start_new_session=True)
    while memory and not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        most = max(most, sum(map(held, family(process.pid))))
        time.sleep(LOOK_EVERY)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        raise SystemExit(f"{argv[0]} ended with status {process.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, most / 1024)


def family(leader: int) -> list[int]:
    """The processes of a session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader:
                    found.append(int(folder.name))
    return found


def held(process: int) -> int:
    """KiB of a process's own, shared memory in proportion."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def compare(pairs: list[Pair], runs: int, *, diffoscope: bool) -> None:
    """Measure and print."""
    ours = {pair.name: [sys.executable, "-m", "doit", "diff", str(pair.old), str(pair.new)] for pair in pairs}
    theirs = ["diffoscope", "--no-progress", "--json", "-", str(pairs[0].old), str(pairs[0].new)]
    medians = {}
    for name, argv in ours.items():
        timed(argv, range(3))  # warms the page cache up
        done = [timed(argv, range(3)) for _ in range(runs)]
        memory = timed(argv, range(3), memory=True).memory
        seconds = sorted(run.seconds for run in done)
        medians[name] = Run(statistics.median(seconds), statistics.median(run.processor for run in done), memory)
        print(
            line(f"doit diff, {name}", medians[name]),
            f"({seconds[0]:.2f} to {seconds[-1]:.2f} s by the clock)",
            flush=True,
        )
    if diffoscope:
        other = timed(theirs, range(2), memory=True)
        print(line("diffoscope", other))
        for name, one in medians.items():
            by_clock, by_processor = other.seconds / one.seconds, other.processor / one.processor
            print(f"ratio, {name}: {by_clock:.1f} by the clock, {by_processor:.1f} in processor time")


def line(name: str, run: Run) -> str:
    """A row of the result."""
    return f"{name + ':':<22}{run.seconds:8.2f} s  processor {run.processor:7.2f} s  {run.memory:7.1f} MiB"


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000, help="extra files of the stand-in's comp set")
    parser.add_argument("--bytes", type=int, default=400_000_000, help="bytes that they hold together")
    parser.add_argument("--changed", type=int, default=50, help="how many of them differ")
    parser.add_argument("--runs", type=int, default=5, help="runs of ours that count")
    parser.add_argument("--diffoscope", choices=("yes", "no"), default="yes", help="no: ours alone")
    given = parser.parse_args()
    (REPOSITORY / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=REPOSITORY / "build", prefix="bench-") as name:
        recipe = Path(name) / f"bench-{given.files}-{given.bytes}.yaml"
        lines = ["standin:", f"  files: {given.files}", f"  bytes: {given.bytes}"]
        recipe.write_text("\n".join([f"extends: {REPOSITORY}/recipes/standin.yaml", *lines]) + "\n")
        build(recipe)
        facts = json.loads((REPOSITORY / "out" / recipe.stem / "dom0.json").read_bytes())
        pairs = make(recipe, Path(name), given.changed)
        print(f"{facts['entries']:,} entries, images of {facts['size']:,} bytes, {given.changed} files changed")
        compare(pairs, given.runs, diffoscope=given.diffoscope == "yes")


if __name__ == "__main__":
    main()
