"""The one way to start a program: argument list, clean environment, own process group, log file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from glassmaster.errors import GlassmasterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Programs see only these of the caller's variables: what finds other programs and the network, nothing that
# could shape an output. TZ, LANG and the like are fixed below.
PASSED_ON = (
    "PATH", "HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
FIXED = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC"}
TAIL_LINES = 20
TAIL_BYTES = 1 << 16
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Command:
    """A program to start: its argument list, variables beside the white-listed ones, and where it runs."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None

    def line(self) -> str:
        """The command as one line that can be pasted into a shell."""
        # Only the value is quoted: a shell takes 'NAME=VALUE' for the name of a program.
        settings = [f"{name}={shlex.quote(value)}" for name, value in sorted(self.environment.items())]
        line = " ".join([*settings, shlex.join(self.argv)])
        return f"cd {shlex.quote(str(self.directory))} && {line}" if self.directory else line


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program: the white-listed variables, fixed locale and time zone, then `extra`."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed, **FIXED, **extra}


def run(command: Command, *, log: Path | None = None, stdin: bytes = b"") -> bytes:
    """Run a program to its end and return its standard output; a status other than 0 is an error.

    Standard error, and a copy of nothing else, goes to `log` when one is given. The error shows the tail of
    standard error and the command to repeat by hand.
    """
    # Files, not pipes: with a pipe, something that the program left running in the background could hold us up.
    with _stderr_file(log) as stderr, tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
        given.write(stdin)
        given.seek(0)
        with started(command, stdin=given, stdout=output, stderr=stderr) as process:
            process.wait()
        if process.returncode != 0:
            raise failure(command, process.returncode, _end(stderr), log)
        output.seek(0)
        return output.read()


@contextmanager
def started(
    command: Command, *, stdin: BinaryIO | int, stdout: BinaryIO | int, stderr: BinaryIO | int
) -> Iterator[subprocess.Popen[bytes]]:
    """A running program in a process group of its own; the whole group has ended when the block is left."""
    try:
        process = subprocess.Popen(
            command.argv, stdin=stdin, stdout=stdout, stderr=stderr, cwd=command.directory,
            env=clean_environment(command.environment), start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise _not_started(command, error) from error
    try:
        yield process
    finally:
        stop_group(process)


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """End a program and everything that it started: SIGTERM, and SIGKILL for what is left after a while."""
    try:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(STOP_SECONDS)
    except (subprocess.TimeoutExpired, ProcessLookupError, PermissionError):
        pass
    finally:  # also when a second interrupt cuts the waiting short
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def failure(command: Command, status: int, stderr: bytes, log: Path | None) -> GlassmasterError:
    """The error for a program that ended badly: status or signal, tail of what it said, how to repeat it."""
    name = Path(command.argv[0]).name
    how = f"was ended by {_signal_name(-status)}" if status < 0 else f"ended with status {status}"
    lines = stderr.decode("utf-8", "replace").splitlines()[-TAIL_LINES:]
    where = f"; the whole log: {log}" if log else ""
    return GlassmasterError(f"{name} {how}", why="\n".join(lines), hint=f"to repeat it: {command.line()}{where}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # real-time signals have no names


def _not_started(command: Command, error: OSError | ValueError) -> GlassmasterError:
    program, needed = command.argv[0], f"needed for: {command.line()}"
    if isinstance(error, FileNotFoundError) and error.filename == program:
        return GlassmasterError(
            f"the program {program} is not installed",
            why=needed,
            hint="./doit installs what its tasks need; started otherwise, see requirements/debian.txt",
        )
    return GlassmasterError(f"the program {program} cannot be started", why=f"{error}\n{needed}")


def _end(stream: BinaryIO) -> bytes:
    """The last part of a file, large enough for the tail that errors show."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - TAIL_BYTES))
    return stream.read()


@contextmanager
def _stderr_file(log: Path | None) -> Iterator[BinaryIO]:
    if log is None:
        with tempfile.TemporaryFile() as stream:
            yield stream
    else:
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            stream = log.open("w+b")
        except OSError as error:
            raise GlassmasterError(f"{log}: cannot be written", why=str(error)) from error
        with stream:
            yield stream
