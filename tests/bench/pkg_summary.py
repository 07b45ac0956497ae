"""How long it takes to read a repository's summary, and to resolve packages of it.

.venv/bin/python -m tests.bench.pkg_summary [--packages 25000] [--wanted 200]

The summary is made here: 25,000 records, 39 MB of text, the lines of each as many and as long as in pkgsrc's own.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import lzma
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from glassmaster.inputs.pkgsrc.choice import Wanted
from glassmaster.inputs.pkgsrc.platform import Platform
from glassmaster.inputs.pkgsrc.resolve import resolve
from glassmaster.inputs.pkgsrc.summary import Summary, read_summary

TIMES = 7
PLATFORM = Platform("NetBSD", "10.0", "x86_64")
CHUNK = 1 << 20


def generated(count: int) -> str:
    """The text of a summary; a package depends on some that come before it, so that nothing goes round."""
    draw = random.Random("summary")
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 11))) for _ in range(9000)]
    names = [f"{draw.choice(words)}-{draw.choice(words)}{number}" for number in range(count)]
    return "".join(record(draw, words, names, number) for number in range(count))


def record(draw: random.Random, words: list[str], names: list[str], number: int) -> str:
    """One record, in the order in which pkg_info -X prints them."""

    def some(most: int) -> str:
        return " ".join(words[int(draw.random() ** 4 * len(words))] for _ in range(draw.randint(3, most)))

    depends = sorted(draw.sample(range(min(number, 3000)), min(number, draw.randint(0, 6))))
    lines = [
        f"PKGNAME={names[number]}-{number % 7}.{number % 90}nb{number % 5}",
        *(f"DEPENDS={names[at]}>={at % 7}.{draw.randint(0, at % 90)}" for at in depends),
        f"COMMENT={some(8)}", f"SIZE_PKG={draw.randint(1000, 10**8)}", "BUILD_DATE=2026-07-01 10:22:31 +0000",
        f"CATEGORIES={draw.choice(words)} devel", f"HOMEPAGE=https://{draw.choice(words)}.example.org/",
        "LICENSE=modified-bsd", "MACHINE_ARCH=x86_64", "OPSYS=NetBSD", "OS_VERSION=10.0",
        f"PKGPATH=devel/{names[number]}", "PKGTOOLS_VERSION=20091115",
        *("REQUIRES=/usr/lib/" + name for name in ("libc.so.12", "libm.so.0", "libpthread.so.1")),
        f"PROVIDES=/usr/pkg/lib/lib{names[number]}.so.{number % 9}",
        f"FILE_NAME={names[number]}-{number % 7}.{number % 90}nb{number % 5}.tgz",
        f"FILE_SIZE={draw.randint(1000, 10**7)}",
        *(f"DESCRIPTION={some(11)}" for _ in range(draw.randint(4, 24))),
        "DESCRIPTION=", "DESCRIPTION=Homepage:", f"DESCRIPTION=https://{draw.choice(words)}.example.org/",
    ]  # fmt: skip
    return "\n".join(lines) + "\n\n"


def chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces, as the store gives it."""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def read(path: Path) -> Summary:
    """Read the summary."""
    return read_summary(chunks(path), path.name)


def measure(path: Path, wanted: int) -> None:
    """Print one row; in a process of its own, because of the memory."""
    before = most_memory()
    seconds, processor, resolving = [], [], []
    few: list[str] = []
    for _ in range(TIMES):
        started, used = time.perf_counter(), time.process_time()
        summary = read(path)
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
        few = few or some_of(summary, wanted)
        # Read once more: what was asked of the first one is known to it now.
        summary = read(path)
        started = time.perf_counter()
        chosen = resolve([Wanted(name, f"bench:{name}") for name in few], summary, PLATFORM).chosen
        resolving.append(time.perf_counter() - started)
    print(
        f"{path.suffix[1:]:<4} {path.stat().st_size / 1e6:6.1f} MB, {len(summary):,} packages: "
        f"read in {statistics.median(seconds):.3f} s, {statistics.median(processor):.3f} s of processor time "
        f"(first time {processor[0]:.3f}); {len(few)} wanted, {len(chosen):,} chosen in "
        f"{statistics.median(resolving):.3f} s; at most {most_memory()} MiB, {before} of them Python's own",
        flush=True,
    )


def most_memory() -> int:
    """The most memory that this process had, in MiB. getrusage() would count that of the process that started it."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def some_of(summary: Summary, wanted: int) -> list[str]:
    """Packages from here and there, so many that about `wanted` are chosen with what they need."""
    names = summary.names.beginning_with("")
    few: list[str] = []
    while True:
        few.append(names[len(few) * 7919 % len(names)])
        if len(resolve([Wanted(name, "x") for name in few], summary, PLATFORM).chosen) >= wanted:
            return few


def main() -> None:
    """Make the summary in each form and measure each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=25000)
    parser.add_argument("--wanted", type=int, default=200)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        measure(given.one, given.wanted)
        return
    with tempfile.TemporaryDirectory() as name:
        text = generated(given.packages).encode()
        print(f"{len(text) / 1e6:.1f} MB of text")
        plain = Path(name) / "pkg_summary.txt"
        plain.write_bytes(text)
        subprocess.run(["zstd", "-q", "-f", str(plain), "-o", str(plain.with_suffix(".zst"))], check=True)
        for suffix, compress in ((".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)):
            plain.with_suffix(suffix).write_bytes(compress(text))
        for suffix in (".txt", ".zst", ".gz", ".xz", ".bz2"):
            arguments = ["--one", str(plain.with_suffix(suffix)), "--wanted", str(given.wanted)]
            subprocess.run([sys.executable, "-m", "tests.bench.pkg_summary", *arguments], check=True)


if __name__ == "__main__":
    main()
