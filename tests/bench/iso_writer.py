"""How fast is the ISO writer? Against unpacking the same tars with bsdtar and writing with xorriso, run by run.

    .venv/bin/python tests/bench/iso_writer.py --files 7000 --bytes 174000000
    .venv/bin/python tests/bench/iso_writer.py --recipe recipes/NAME.yaml     (one that was built before)

Both sides are whole processes and end with fsync of the image. Ours begins with the layers' files: reading and merging
them counts. The other begins with the uncompressed tars. Printed are the medians, and the median of the pairs' ratios.
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
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = """
import sys
from pathlib import Path
from glassmaster import steps
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.places import BOOT_IMAGES, Places
from glassmaster.recipe.load import load
loaded = load(Path(sys.argv[1]))
boot = BootImages(*(Places(loaded.name).grub(name).read_bytes() for name in BOOT_IMAGES))
tree = steps.merged_tree(loaded)
write_iso(tree, boot, Path(sys.argv[2]), volume_id=loaded.recipe.media.volume_id, epoch=loaded.recipe.epoch)
"""
THEIRS = """
set -e
mkdir "$1/root"
for tar in "$1"/tars/*; do bsdtar -x -f "$tar" -C "$1/root"; done
xorriso -as mkisofs -R -quiet -o "$1/theirs.iso" "$1/root" 2>/dev/null
sync "$1/theirs.iso"
"""


@dataclass(frozen=True)
class Run:
    """One run: wall-clock seconds, peak memory of the largest process in MiB."""

    seconds: float
    memory: float


def measured(argv: list[str]) -> Run:
    """Run a command and measure it from outside."""
    begin = time.perf_counter()
    process = subprocess.Popen(argv, cwd=REPOSITORY)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{argv[0]} ended with status {process.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024)


def build(recipe: Path) -> None:
    """Make the recipe's layers (and its CD) with doit."""
    command = [sys.executable, "-m", "doit", "iso", f"recipe={recipe}"]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)


def compare(recipe: Path, runs: int, work: Path) -> None:
    """Alternate both writers and print what came out."""
    layers = sorted((REPOSITORY / "build" / recipe.stem / "layers").glob("set-*.json"))
    (work / "tars").mkdir()
    size = 0
    for number, layer in enumerate(layers):
        for blob in json.loads(layer.read_bytes())["blobs"]:
            tar = (layer.parent / blob).resolve()
            size += tar.stat().st_size
            (work / "tars" / f"{number}.tar").symlink_to(tar)
    ours, theirs = [], []
    for _ in range(runs + 1):  # the first pair warms the page cache up and does not count
        ours.append(measured([sys.executable, "-c", OURS, str(recipe), str(work / "ours.iso")]))
        theirs.append(measured(["sh", "-c", THEIRS, "sh", str(work)]))
        shutil.rmtree(work / "root")
        (work / "theirs.iso").unlink()
    ours, theirs = ours[1:], theirs[1:]
    ratios = [mine.seconds / other.seconds for mine, other in zip(ours, theirs, strict=True)]
    facts = json.loads((REPOSITORY / "out" / recipe.stem / "dom0.json").read_bytes())
    print(
        f"{facts['entries']:,} entries, {size:,} bytes of tars, image of {facts['size']:,} bytes, {runs} pairs of runs"
    )
    memory = max(run.memory for run in ours)
    print(f"tree to ISO:     {statistics.median(run.seconds for run in ours):6.2f} s  {memory:6.1f} MiB")
    print(f"bsdtar, xorriso: {statistics.median(run.seconds for run in theirs):6.2f} s")
    print(f"ratio:           {statistics.median(ratios):6.2f}    (pairs from {min(ratios):.2f} to {max(ratios):.2f})")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=7000, help="extra files of the stand-in's comp set")
    parser.add_argument("--bytes", type=int, default=174_000_000, help="bytes that they hold together")
    parser.add_argument("--recipe", type=Path, help="measure the layers of this recipe instead")
    parser.add_argument("--runs", type=int, default=5, help="pairs of runs that count")
    given = parser.parse_args()
    (REPOSITORY / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=REPOSITORY / "build", prefix="bench-") as name:
        recipe = given.recipe
        if recipe is None:
            recipe = Path(name) / f"bench-{given.files}-{given.bytes}.yaml"
            lines = [
                f"extends: {REPOSITORY}/recipes/standin.yaml",
                "standin:",
                f"  files: {given.files}",
                f"  bytes: {given.bytes}",
            ]
            recipe.write_text("\n".join(lines) + "\n")
        build(recipe)
        compare(recipe, given.runs, Path(name))


if __name__ == "__main__":
    main()
