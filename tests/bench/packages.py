"""How long 200 packages take to become layers, the first time and later, and how much memory.

.venv/bin/python -m tests.bench.packages [PACKAGES] [FILES-EACH]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from glassmaster.inputs.pkgsrc.accounts import AccountFiles
from glassmaster.inputs.pkgsrc.install import Selected, Target, install
from glassmaster.inputs.pkgsrc.uids import Uids
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.package_archive import COMPRESSORS, StandinPackage, members, tar_of
from glassmaster.inputs.store import Store
from glassmaster.tree.blob import new_blob
from glassmaster.tree.layer import Layer, write_layer

PASSWD, GROUP = "root:*:0:0::0:0:root:/root:/bin/sh\n", "wheel:*:0:root\n"
EPOCH = 1_700_000_000
BYTES = 4096


def made(number: int, files: int, store: Store) -> Selected:
    """A package with as many files, put into the store."""
    items = tuple(
        Item(f"share/bench{number}/directory{n // 40}/file{n}", data=f"{number} {n} ".encode() * (BYTES // 8))
        for n in range(files)
    )
    setuid = f"PERMS: share/bench{number}/directory0/file0 4555"
    package = StandinPackage(f"bench{number}-1.0", "Bench", items, install=(setuid,))
    data = COMPRESSORS["gzip"](tar_of(members(package, "x86_64", "10.0"), EPOCH))
    return Selected(package.name, f"{package.name}.tgz", store.add([data], what=package.name).sha512)


def keep(folder: Path, layer: Layer) -> None:
    """What a step does with a layer."""
    write_layer(layer, folder / f"{layer.origin.replace(':', '-')}.json")


def main() -> None:
    """Print seconds (by the clock, and of the processor) and MiB."""
    words = sys.argv[1:]
    packages, files = int(words[0]) if words else 200, int(words[1]) if len(words) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder / "store")
        selected = [made(number, files, store) for number in range(packages)]
        target = Target(lambda path: None, AccountFiles(PASSWD, GROUP), None, Uids(), "/usr/pkg/pkgdb", EPOCH)
        print(f"{packages} packages, {packages * files} files")
        kept = partial(keep, folder)
        for what, emit in (("first time", kept), ("again", kept), ("again, layers not written", lambda layer: None)):
            start, processor = time.perf_counter(), time.process_time()
            with new_blob(folder / "blob") as blob:
                install(selected, target, store, blob, emit)
            took, processor = time.perf_counter() - start, time.process_time() - processor
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{what}: {took:.2f} s, processor {processor:.2f} s, peak {peak} MiB")


main()
