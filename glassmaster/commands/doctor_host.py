"""What `doit doctor` looks at on the host: programs, libraries, Python packages, free space, apt's lists."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from glassmaster.checks.smoke.qemu import OVMF_CODE, OVMF_VARIABLES, PROGRAM
from glassmaster.commands.finding import Finding, Level, ok
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.debian import REMEDY, parse_uris, print_uris
from glassmaster.inputs.store import ENVIRONMENT, Store
from glassmaster.run import Command, run

OLDEST_PYTHON = (3, 11)
# Below this nothing useful can be built; and what a release needs beside the image (README).
LEAST_BYTES, STORE_BYTES = 256 << 20, 1_000_000_000
APT_LISTS = Path("/var/lib/apt/lists")
REQUIREMENTS = Path("requirements/build.txt")


@dataclass(frozen=True)
class Tool:
    """A program: its Debian package, what it is for, how it tells its version, and how bad it is without."""

    program: str
    package: str
    use: str
    level: Level
    ask: tuple[str, ...] = ("--version",)


TOOLS = (
    Tool("apt-get", "apt", "fetch: Debian packages", "error"),
    Tool("dpkg-deb", "dpkg", "fetch: files out of Debian packages", "error"),
    Tool("gcc", "gcc", "standin: the stand-in's kernel", "error"),
    Tool("ld", "binutils", "standin: the stand-in's kernel", "error"),
    Tool("g++", "g++", "toolchain: kernels from source", "warning"),
    Tool("patch", "patch", "toolchain: kernels from source", "warning"),
    Tool("mformat", "mtools", "grub: the FAT image for UEFI", "error"),
    Tool("xz", "xz-utils", "sets: .tar.xz", "error"),
    Tool(PROGRAM, "qemu-system-x86", "smoke: boots the image", "warning"),
    Tool("unshare", "util-linux", "repro: surroundings of builds", "warning"),
    Tool("localedef", "libc-bin", "repro: a locale; its sources are in locales", "warning"),
    Tool("diffoscope", "diffoscope-minimal", "repro: explains differences", "warning"),
    Tool("ssh-keygen", "openssh-client", "release, verify: signatures", "warning", ("-?",)),
    Tool("git", "git", "release: source.tar.gz", "warning"),
    Tool("xorriso", "xorriso", "burn: discs", "warning", ("-version",)),
    Tool("rsync", "rsync", "publish: rsync: and ssh:", "warning"),
    Tool("bsdtar", "libarchive-tools", "test only", "warning"),
    Tool("isoinfo", "genisoimage", "test only", "warning", ("-version",)),
    Tool("mtree", "mtree-netbsd", "test only", "warning", ("-?",)),
    Tool("shellcheck", "shellcheck", "lint only", "warning"),
)
# Shared libraries that are loaded by name: file, package, use.
LIBRARIES = (
    ("libarchive.so.13", "libarchive13", "readback: the second reader"),
    ("libdevmapper.so.1.02.1", "libdevmapper1.02.1", "grub: grub-mkimage is linked with it"),
)


def tools(table: Sequence[Tool] = TOOLS) -> Iterator[Finding]:
    """Each program, with the first version number that it prints."""
    for tool in table:
        if shutil.which(tool.program) is None:
            yield Finding(tool.level, tool.program, f"not installed ({tool.use})", f"apt-get install {tool.package}")
        else:
            yield ok(tool.program, f"{_version(tool)} ({tool.use})")


def libraries() -> Iterator[Finding]:
    """Each library, by loading it; and OVMF's two files."""
    for file, package, use in LIBRARIES:
        try:
            ctypes.CDLL(file)
        except OSError as error:
            yield Finding("error", file, f"{error} ({use})", f"apt-get install {package}")
        else:
            yield ok(file, f"can be loaded ({use})")
    missing = [str(path) for path in (OVMF_CODE, OVMF_VARIABLES) if not path.is_file()]
    if missing:
        yield Finding("warning", "OVMF", f"no {missing[0]} (smoke: UEFI)", "apt-get install ovmf")
    else:
        yield ok("OVMF", f"{OVMF_CODE} (smoke: UEFI)")


def _version(tool: Tool) -> str:
    """The first number with a dot that a program prints when asked; its error text counts too."""
    try:
        text = run(Command((tool.program, *tool.ask))).decode("utf-8", "replace")
    except GlassmasterError as error:
        text = error.why
    found = re.search(r"\d+(\.\d+)+\S*", text)
    return found[0].rstrip(",;)") if found else "there, but tells no version"


def python(requirements: Path = REQUIREMENTS) -> Iterator[Finding]:
    """Python itself, and its packages against requirements/build.txt; in other repositories, against our own needs."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        yield ok("Python", version)
    else:
        yield Finding("error", "Python", f"{version} is too old", "apt-get install python3, 3.11 or newer")
    wanted = _pinned(requirements) if requirements.is_file() else _needed()
    remedy = (
        f"{sys.executable} -m pip install --require-hashes --no-deps -r {requirements}"
        if requirements.is_file() else f"{sys.executable} -m pip install glassmaster"
    )  # fmt: skip
    wrong = 0
    for name, expected in wanted:
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding("error", f"Python: {name}", "not installed", remedy)
            wrong += 1
            continue
        if expected and found != expected:
            yield Finding("warning", f"Python: {name}", f"{found}; {requirements} says {expected}", remedy)
            wrong += 1
    if not wrong:
        where = str(requirements) if requirements.is_file() else "the package's own list"
        yield ok("Python packages", f"all {len(wanted)} of {where}")


def _pinned(requirements: Path) -> list[tuple[str, str]]:
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return [(match[1], match[2]) for line in lines if (match := re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line))]


def _needed() -> list[tuple[str, str]]:
    try:
        needed = metadata.requires("glassmaster") or []
    except metadata.PackageNotFoundError:
        return []
    return [(match[0], "") for text in needed if (match := re.match(r"[A-Za-z0-9._-]+", text))]


def space(what: str, path: Path, wanted: int, why: str) -> Finding:
    """The room where `path` is or would be. wanted: bytes, below which there is a warning that says why."""
    place = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    detail = f"{size(free)} free at {place}"
    if free < LEAST_BYTES:
        return Finding("error", what, detail, f"make room: at least {size(LEAST_BYTES)}")
    if free < wanted:
        return Finding("warning", what, detail, f"make room: {size(wanted)} ({why})")
    return ok(what, detail)


def store(store: Store) -> Finding:
    """Whether the store can be written, how much it holds."""
    root = store.root.absolute()
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        remedy = f"make it writable, or name another place in {ENVIRONMENT}"
        return Finding("error", "store", f"{place} cannot be written", remedy)
    if not root.exists():
        return ok("store", f"{root}: not made yet")
    files = [path for path in (root / "sha512").rglob("*") if path.is_file()]
    return ok("store", f"{root}: {len(files):,} files, {size(sum(path.stat().st_size for path in files))}")


def apt(packages: Sequence[str], lists: Path = APT_LISTS) -> Finding:
    """Whether apt knows the packages that files are taken from. Nothing is downloaded."""
    if not any(lists.glob("*Packages*")):
        return Finding("error", "apt lists", f"none in {lists}", "apt-get update")
    try:
        found = parse_uris(run(print_uris(packages)).decode(), packages)
    except GlassmasterError as error:
        return Finding("error", "apt lists", error.what, REMEDY)
    return ok("apt lists", ", ".join(f"{item.package} {item.version}" for item in found))


def size(count: int) -> str:
    """Bytes for people, in the units of media: 1 MB is 1,000,000 bytes."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"
