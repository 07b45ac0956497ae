"""A place that rsync reaches: a daemon (rsync:), or any machine by ssh (ssh:)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import digest_of
from glassmaster.release.signing import AGENT
from glassmaster.run import Command, failure, started

PROGRAM = "rsync"
# Nobody is there to be asked for a passphrase, or whether a host's key is right: ssh-agent has the key.
SSH = "ssh -o BatchMode=yes"
PASSWORD = "RSYNC_PASSWORD"  # the name of the variable
# "Partial transfer due to error": a file that is not there, among others.
PARTIAL_STATUS, ABSENT = 23, b"No such file or directory"


@dataclass(frozen=True)
class Target:
    """What rsync calls the place, without a slash at its end; ssh: the remote shell with its options, or "".

    inherited: variables by which rsync or ssh shows who asks.
    """

    name: str
    ssh: str = ""
    inherited: tuple[str, ...] = (PASSWORD,)


def rsync_target(url: str) -> Target:
    """The target for rsync://HOST/MODULE/PATH or ssh://[USER@]HOST[:PORT]/PATH."""
    parts = urlsplit(url.rstrip("/"))
    path = unquote(parts.path)
    if not parts.hostname or not path.strip("/") or parts.query or parts.fragment:
        raise GlassmasterError(f"{url}: not a place for rsync", why=f"expected {parts.scheme}://HOST/PATH")
    if parts.hostname.startswith("-"):
        raise GlassmasterError(f"{url}: {parts.hostname} is no name of a host")
    if parts.scheme == "rsync":
        return Target(f"rsync://{parts.netloc}{path}")
    user = f"{parts.username}@" if parts.username else ""
    shell = f"{SSH} -p {parts.port}" if parts.port else SSH
    return Target(f"{user}{parts.hostname}:{path}", shell, (AGENT,))


def _command(target: Target, *words: str) -> Command:
    shell = ("--rsh", target.ssh) if target.ssh else ()
    return Command((PROGRAM, *words[:-2], *shell, *words[-2:]), inherited=target.inherited)


def put_command(target: Target, folder: Path) -> Command:
    """Bring the files that standard input names (each ends with NUL) there. rsync gives a file its name when it is
    whole (--mkpath and --fsync need rsync 3.2.4 on both sides)."""
    how = ("--copy-links", "--mkpath", "--chmod=D755,F644", "--from0", "--files-from=-", "--fsync")
    return _command(target, *how, f"{folder}/", f"{target.name}/")


def other_command(target: Target, folder: Path) -> Command:
    """Name those of the files whose checksums, taken there, differ; change nothing."""
    how = ("--copy-links", "--checksum", "--dry-run", "--out-format=%n", "--from0", "--files-from=-")
    return _command(target, *how, f"{folder}/", f"{target.name}/")


def only_command(target: Target, folder: Path, below: str) -> Command:
    """Remove there what is below a folder and not here; bring nothing."""
    how = ("--recursive", "--copy-links", "--delete", "--existing", "--ignore-existing")
    return _command(target, *how, f"{folder}/{below}/", f"{target.name}/{below}/")


def get_command(target: Target, name: str, to: Path) -> Command:
    """Fetch a file."""
    return _command(target, f"{target.name}/{name}", str(to))


class RsyncPlace:
    """See Place, in places.py."""

    def __init__(self, url: str, target: Target) -> None:
        self.url = url
        self._target = target

    def read(self, name: str) -> bytes | None:
        """See Place."""
        with tempfile.TemporaryDirectory(prefix="glassmaster-") as folder:
            path = Path(folder) / "file"
            found = _run(get_command(self._target, name, path), absent=True)
            return path.read_bytes() if found is not None else None

    def put(self, files: Mapping[str, Path]) -> None:
        """See Place."""
        with tempfile.TemporaryDirectory(prefix="glassmaster-") as folder:
            _lay_out(files, Path(folder))
            _run(put_command(self._target, Path(folder)), files)

    def write(self, name: str, data: bytes) -> None:
        """See Place."""
        with tempfile.TemporaryDirectory(prefix="glassmaster-") as folder:
            path = Path(folder) / "file"
            path.write_bytes(data)
            self.put({name: path})

    def other(self, files: Mapping[str, Path], digests: Mapping[str, str]) -> list[str]:
        """See Place: both sides take checksums of their own kind; that what is here is what was meant is asked last."""
        with tempfile.TemporaryDirectory(prefix="glassmaster-") as folder:
            _lay_out(files, Path(folder))
            said = _run(other_command(self._target, Path(folder)), files) or b""
        names = set(said.decode("utf-8", "replace").splitlines())
        changed = {name for name, path in files.items() if digest_of(path).sha512 != digests[name]}
        return sorted((names & set(files)) | changed)

    def only(self, folder: str, files: Mapping[str, Path]) -> None:
        """See Place."""
        with tempfile.TemporaryDirectory(prefix="glassmaster-") as here:
            _lay_out(files, Path(here))
            _run(only_command(self._target, Path(here), folder))


def _lay_out(files: Mapping[str, Path], folder: Path) -> None:
    """A tree of links with the names that the files have there."""
    for name, path in files.items():
        link = folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.absolute())


def _run(command: Command, names: Iterable[str] = (), *, absent: bool = False) -> bytes | None:
    """Run rsync; returns what it printed. absent: a file that is not there is None instead of an error."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as said:
        given.write(b"".join(os.fsencode(name) + b"\0" for name in sorted(names)))
        given.seek(0)
        with started(command, stdin=given, stdout=output, stderr=said) as process:
            process.wait()
        for stream in (output, said):
            stream.seek(0)
        words = said.read()
        if process.returncode == PARTIAL_STATUS and absent and ABSENT in words:
            return None
        if process.returncode != 0:
            raise failure(command, process.returncode, words, None)
        return output.read()
