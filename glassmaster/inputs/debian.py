"""Files out of Debian packages that are never installed: apt downloads and verifies, the store keeps them by digest."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from glassmaster.atomic import write_bytes, write_text
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import LockedInput
from glassmaster.inputs.mirror import take
from glassmaster.inputs.store import CHUNK, Store, Stored
from glassmaster.run import Command, run

_URI_LINE = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) (?P<hash>\S+)")
REMEDY = "apt-get update, then the same command again"


@dataclass(frozen=True)
class DebianPackage:
    """A package file in the store. version: Debian's, with epoch and revision."""

    name: str
    version: str
    url: str
    stored: Stored


@dataclass(frozen=True)
class Candidate:
    """What apt would download for a package; `digest` is the one of Debian's signed lists."""

    package: str
    uri: str
    file: str
    digest: str

    @property
    def version(self) -> str:
        """From the file name, NAME_VERSION_ARCH.deb; apt writes the epoch's colon as %3a."""
        return self.file.split("_")[1].replace("%3a", ":")


def print_uris(packages: Sequence[str]) -> Command:
    """Ask apt which files it would download for packages, and those files' digests."""
    return Command(("apt-get", "download", "--print-uris", *packages))


def download(exact: Sequence[str], directory: Path) -> Command:
    """Have apt download package files (NAME=VERSION) into a directory. The sandbox user could not write there."""
    return Command(("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", *exact), directory=directory)


def filesystem_tar(package_file: Path) -> Command:
    """Print the files of a package as a tar (dpkg-deb(1))."""
    return Command(("dpkg-deb", "--fsys-tarfile", str(package_file)))


def parse_uris(output: str, packages: Sequence[str]) -> list[Candidate]:
    """Read apt's answer to print_uris; one candidate for each package, in the order of the question."""
    found = {match["file"].split("_")[0]: match for match in _URI_LINE.finditer(output)}
    missing = [name for name in packages if name not in found]
    if missing:
        raise GlassmasterError(f"apt finds no package {missing[0]}", why=output.strip()[-500:], hint=REMEDY)
    return [
        Candidate(name, found[name]["uri"], found[name]["file"], found[name]["hash"].replace(":", "-"))
        for name in packages
    ]


def fetch_packages(packages: Sequence[str], store: Store) -> list[DebianPackage]:
    """The newest versions that apt knows of, in the store; downloaded only where the store does not have them yet.

    apt itself is asked once for all: each start of it takes most of a second.
    """
    try:
        candidates = parse_uris(run(print_uris(packages)).decode(), packages)
    except GlassmasterError as error:
        raise GlassmasterError("apt does not find what is needed", why=str(error), hint=REMEDY) from error
    missing = [item for item in candidates if _noted(item, store) not in store]
    if missing:
        _download(missing, store)
    return [_package(item, _noted(item, store), store) for item in candidates]


def _noted(item: Candidate, store: Store) -> str:
    """The SHA-512 that a file with this digest of Debian's lists had when it was downloaded; "" if it never was."""
    note = _note(item, store)
    return note.read_text() if note.exists() else ""


def _note(item: Candidate, store: Store) -> Path:
    return store.derived("debian", item.digest) / "sha512"


def _package(item: Candidate, sha512: str, store: Store) -> DebianPackage:
    return DebianPackage(item.package, item.version, item.uri, Stored(sha512, store.path(sha512).stat().st_size))


def _download(missing: Sequence[Candidate], store: Store) -> None:
    with tempfile.TemporaryDirectory() as directory:
        run(download([f"{item.package}={item.version}" for item in missing], Path(directory)))
        for item in missing:
            file = Path(directory) / item.file
            if not file.is_file():
                raise GlassmasterError(f"apt downloaded no {item.file}", why=f"it said that it would, from {item.uri}")
            with file.open("rb") as stream:
                stored = store.add(iter(lambda: stream.read(CHUNK), b""), what=item.file)
            write_text(_note(item, store), stored.sha512)


def fetch_locked(locked: Sequence[LockedInput], store: Store) -> None:
    """Bring exactly these packages into the store, of which it may have some.

    Debian takes a version away when it has a newer one: what neither apt nor the URL of the lock gives is an error.
    """
    missing = [item for item in locked if item.sha512 not in store]
    if missing and not _by_apt(missing, store):
        for item in missing:
            if not _by_apt([item], store):
                _by_url(item, store)


def _by_apt(locked: Sequence[LockedInput], store: Store) -> bool:
    """Whether apt had all of them. Another file under the same version is an error."""
    exact = [f"{PurePosixPath(item.name).name}={item.version}" for item in locked]
    with tempfile.TemporaryDirectory() as directory:
        try:
            run(download(exact, Path(directory)))
        except GlassmasterError:
            return False
        for item in locked:
            files = sorted(Path(directory).glob(f"{PurePosixPath(item.name).name}_*.deb"))
            if not files:
                return False
            with files[0].open("rb") as stream:
                store.add(iter(lambda: stream.read(CHUNK), b""), what=files[0].name, expected=item.sha512)
    return True


def _by_url(item: LockedInput, store: Store) -> None:
    try:
        take(item.urls, item.sha512, store, item.name)
    except GlassmasterError as error:
        raise GlassmasterError(
            f"Debian's {PurePosixPath(item.name).name} {item.version}, which the lock names, cannot be had",
            why=f"apt does not know it: Debian may have replaced it by a newer one, or apt's lists are old\n{error}",
            hint="`doit lock` takes the version that Debian has now (the disc changes with it); "
            "a store or bundle that has the old one builds the old disc",
        ) from error


def extracted(package: DebianPackage, members: Iterable[str], store: Store, *, key: str) -> Path:
    """A directory of the store with files of a package, each under its own last name.

    members: shell patterns of full paths in the package (``usr/lib/grub/i386-pc/*``); each must match something.
    key:     a word for this choice of members, part of the directory's key.
    """
    folder = store.derived("deb", f"{package.stored.sha512}-{key}")
    if not folder.is_dir():
        wanted = list(members)
        with store.deriving("deb", folder.name) as work:
            name = f"the Debian package {package.name} {package.version}"
            found = _extract(store.verified(package.stored.sha512, name), wanted, work)
            missing = [pattern for pattern in wanted if pattern not in found]
            if missing:
                raise GlassmasterError(f"{name} has no {missing[0]}")
    return folder


def _extract(package_file: Path, wanted: list[str], work: Path) -> set[str]:
    found = set()
    with tempfile.TemporaryFile() as tar:
        tar.write(run(filesystem_tar(package_file)))
        tar.seek(0)
        with tarfile.open(fileobj=tar, mode="r:") as archive:
            for info in archive:
                path = PurePosixPath("/", info.name)
                matching = [pattern for pattern in wanted if info.isfile() and path.match(f"/{pattern}")]
                data = archive.extractfile(info) if matching else None
                if data is not None:
                    target = work / path.name
                    if target.exists():
                        raise GlassmasterError(f"{package_file}: {path}: a second file that would be {path.name}")
                    write_bytes(target, data.read())
                    target.chmod(0o755 if info.mode & 0o100 else 0o644)
                    found.update(matching)
    return found
