"""How fast is the FFS writer? A tree of many files in, an image on the disk out; a whole process, fsync included.

    .venv/bin/python tests/bench/ffs_writer.py --files 20000 --bytes 400000000

Beside it stands `cat` of the same bytes to a file with fsync: no writer can be faster than that.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from glassmaster.tree.blob import new_blob  # noqa: E402  # the program is started by its path
from glassmaster.tree.entry import Entry  # noqa: E402
from glassmaster.tree.layer import Layer, write_layer  # noqa: E402
from tests.bench.iso_writer import Run, measured  # noqa: E402

OURS = """
import sys
from pathlib import Path
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.tree.layer import read_layer
from glassmaster.tree.merge import merge
tree = merge([read_layer(Path(sys.argv[1]))], epoch=1_700_000_000)
write_ffs(tree, Path(sys.argv[2]), version=int(sys.argv[3]), epoch=1_700_000_000)
"""


def make(folder: Path, files: int, size: int) -> Path:
    """A layer of so many files, most of them small, that hold about `size` bytes together."""
    chance = random.Random("ffs bench")
    mean = size // files
    entries = []
    with new_blob(folder / "blob") as blob:
        for number in range(files):
            length = min(int(chance.expovariate(1 / mean)), 40 * mean)
            path = f"d{number % 40}/e{number % 1000}/file{number}"
            entries.append(Entry(path, "file", 0o644, 0, 0, number, content=blob.add(chance.randbytes(length))))
    write_layer(Layer("bench", tuple(entries)), folder / "layer.json")
    return folder / "layer.json"


def row(name: str, runs: list[Run]) -> str:
    """A line of the result, without the first run, which warms the page cache up."""
    counted = runs[1:]
    seconds = statistics.median(run.seconds for run in counted)
    return f"{name:<6} {seconds:6.2f} s  {max(run.memory for run in counted):6.1f} MiB"


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--bytes", type=int, default=400_000_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    (REPOSITORY / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=REPOSITORY / "build", prefix="bench-") as name:
        folder = Path(name)
        layer = make(folder, given.files, given.bytes)
        results: dict[str, list[Run]] = {"UFS1": [], "UFS2": [], "cat": []}
        for _ in range(given.runs + 1):
            for version in (1, 2):
                argv = [sys.executable, "-c", OURS, str(layer), str(folder / "image"), str(version)]
                results[f"UFS{version}"].append(measured(argv))
            copy = ["sh", "-c", 'cat "$1" > "$2" && sync "$2"', "sh", str(folder / "blob"), str(folder / "copy")]
            results["cat"].append(measured(copy))
        size = (folder / "image").stat().st_size
        print(f"{given.files:,} files, image of {size:,} bytes, median of {given.runs} runs")
        for name, runs in results.items():
            print(row(name, runs))


if __name__ == "__main__":
    main()
