"""Files out of Debian packages that are never installed: apt downloads and verifies, the store keeps them by digest."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.mirror import CHUNK
from glassmaster.inputs.store import Store, Stored
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

    uri: str
    file: str
    digest: str

    @property
    def version(self) -> str:
        """From the file name, NAME_VERSION_ARCH.deb; apt writes the epoch's colon as %3a."""
        return self.file.split("_")[1].replace("%3a", ":")


def print_uris(package: str) -> Command:
    """Ask apt which file it would download for a package, and that file's digest."""
    return Command(("apt-get", "download", "--print-uris", package))


def download(package: str, version: str, directory: Path) -> Command:
    """Have apt download a package file into a directory. The sandbox user could not write there."""
    return Command(
        ("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", f"{package}={version}"),
        directory=directory,
    )


def filesystem_tar(package_file: Path) -> Command:
    """Print the files of a package as a tar (dpkg-deb(1))."""
    return Command(("dpkg-deb", "--fsys-tarfile", str(package_file)))


def parse_uris(output: str, package: str) -> Candidate:
    """Read apt's answer to print_uris."""
    match = _URI_LINE.search(output)
    if match is None:
        raise GlassmasterError(f"apt knows no download for the package {package}", why=output.strip(), hint=REMEDY)
    return Candidate(match["uri"], match["file"], match["hash"].replace(":", "-"))


def fetch_package(package: str, store: Store) -> DebianPackage:
    """The newest version that apt knows of, in the store; downloaded only if the store does not have it yet."""
    try:
        candidate = parse_uris(run(print_uris(package)).decode(), package)
    except GlassmasterError as error:
        raise GlassmasterError(f"apt finds no package {package}", why=str(error), hint=REMEDY) from error
    note = store.derived("debian", candidate.digest)
    if not note.is_dir() or (note / "sha512").read_text() not in store:
        stored = _download(package, candidate, store)
        if not note.is_dir():
            with store.deriving("debian", candidate.digest) as work:
                (work / "sha512").write_text(stored.sha512)
    sha512 = (note / "sha512").read_text()
    return DebianPackage(package, candidate.version, candidate.uri, Stored(sha512, store.path(sha512).stat().st_size))


def _download(package: str, candidate: Candidate, store: Store) -> Stored:
    with tempfile.TemporaryDirectory() as directory:
        run(download(package, candidate.version, Path(directory)))
        with (Path(directory) / candidate.file).open("rb") as stream:
            return store.add(iter(lambda: stream.read(CHUNK), b""), what=candidate.file)


def extracted(package: DebianPackage, members: Iterable[str], store: Store, *, key: str) -> Path:
    """A directory of the store with files of a package, each under its own last name.

    members: shell patterns of full paths in the package (``usr/lib/grub/i386-pc/*``); each must match something.
    key:     a word for this choice of members, part of the directory's key.
    """
    folder = store.derived("deb", f"{package.stored.sha512}-{key}")
    if not folder.is_dir():
        wanted = list(members)
        with store.deriving("deb", folder.name) as work:
            found = _extract(store.path(package.stored.sha512), wanted, work)
            missing = [pattern for pattern in wanted if pattern not in found]
            if missing:
                raise GlassmasterError(f"the Debian package {package.name} {package.version} has no {missing[0]}")
    return folder


def _extract(package_file: Path, wanted: list[str], work: Path) -> set[str]:
    found = set()
    with tempfile.TemporaryFile() as tar:
        tar.write(run(filesystem_tar(package_file)))
        tar.seek(0)
        with tarfile.open(fileobj=tar, mode="r:") as archive:
            for info in archive:
                path = PurePosixPath(info.name)
                matching = [pattern for pattern in wanted if info.isfile() and path.match(pattern)]
                data = archive.extractfile(info) if matching else None
                if data is not None:
                    target = work / path.name
                    target.write_bytes(data.read())
                    target.chmod(0o755 if info.mode & 0o100 else 0o644)
                    found.update(matching)
    return found
