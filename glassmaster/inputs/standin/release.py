"""The stand-in release as a mirror directory in NetBSD's own layout (release(7))."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from glassmaster.atomic import write_bytes, write_text
from glassmaster.inputs.checksums import format_checksums
from glassmaster.inputs.decompress import CHUNK
from glassmaster.inputs.kernel.wanted import SOURCE_FOLDER
from glassmaster.inputs.standin import content
from glassmaster.inputs.standin.archive import gzipped, write_set
from glassmaster.inputs.standin.content import Item
from glassmaster.inputs.standin.kernel_build import CONFIGS, build_kernel
from glassmaster.inputs.standin.package_repository import make_repository
from glassmaster.inputs.standin.source_sets import source_sets

NOTICE = """\
This is not NetBSD. It is the stand-in release that glassmaster made on this machine: files of the same shape,
with a kernel of glassmaster's own that reports what Xen gave it and powers off. No server runs on it.
"""
KERNEL_MODE = 0o555
KERNEL_GZIP_LEVEL = 9


def make_release(mirror: Path, version: str, machine: str, *, epoch: int, files: int, size: int) -> None:
    """Write the release below `mirror`; `files` and `size` (bytes) make its comp set larger."""
    top = mirror / f"NetBSD-{version}"
    binary = top / machine / "binary"
    kernels = {config: build_kernel(config) for config in CONFIGS}
    sets: Mapping[str, Iterable[Item]] = {
        "base.tar.xz": content.base(),
        "etc.tar.xz": content.etc(),
        "misc.tgz": content.misc(),
        "comp.tgz": content.comp(files, size),
    }
    for file, items in sets.items():
        write_set(binary / "sets" / file, file.partition(".")[0], items, epoch=epoch)
    kernel_sets, packed = [], []
    for config, kernel in kernels.items():
        kernel_sets.append(f"kern-{config}.tar.xz")
        # As in NetBSD: the kernel alone, without a manifest (etc/Makefile, build_kernelsets).
        items = [Item("netbsd", mode=KERNEL_MODE, data=kernel)]
        write_set(binary / "sets" / kernel_sets[-1], f"kern-{config}", items, epoch=epoch, manifest=False)
        packed.append(f"netbsd-{config}.gz")
        write_bytes(binary / "kernel" / packed[-1], gzipped(kernel, KERNEL_GZIP_LEVEL))
    sources = source_sets(machine)
    for name, source in sources.items():
        # As in NetBSD: beside the machines' directories, and without manifests.
        write_set(top / SOURCE_FOLDER / f"{name}.tgz", name, source, epoch=epoch, manifest=False)
    _write_checksums(top / SOURCE_FOLDER, [f"{name}.tgz" for name in sources])
    _write_checksums(binary / "sets", [*sets, *kernel_sets])
    _write_checksums(binary / "kernel", packed)
    make_repository(mirror, version, machine, epoch=epoch)
    write_text(top / "README.files", NOTICE)


def _write_checksums(folder: Path, names: Iterable[str]) -> None:
    for algorithm in ("sha512", "md5"):
        digests = {name: _digest(folder / name, algorithm) for name in names}
        write_text(folder / algorithm.upper(), format_checksums(algorithm.upper(), digests))


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
