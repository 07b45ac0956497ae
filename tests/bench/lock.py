"""How long reading a lock takes: .venv/bin/python -m tests.bench.lock [INPUTS]"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path

from glassmaster.inputs.lock import Lock, LockedInput, read_lock, write_lock

ROUNDS = 20


def main() -> None:
    """Write a lock, read it several times, say how long the fastest and the middle one took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    names = [f"packages/All/package-{number}-1.2.{number}nb1.tgz" for number in range(count)]
    inputs = tuple(
        LockedInput(
            name, "release", (f"https://a.example/{name}", f"https://b.example/{name}"), number,
            hashlib.sha512(name.encode()).hexdigest(), "first-use",
        )
        for number, name in enumerate(names)
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.lock"
        write_lock(path, Lock("bench", {"release.sets": ("base",)}, inputs))
        times = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            assert len(read_lock(path).inputs) == count
            times.append(time.perf_counter() - begin)
        size = path.stat().st_size
    times.sort()
    print(f"{count} inputs, {size:,} bytes: {times[0] * 1000:.1f} ms, median {times[len(times) // 2] * 1000:.1f} ms")


if __name__ == "__main__":
    main()
