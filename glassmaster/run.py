"""The one way to start a program: argument list, clean environment, own process group, log file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
import termios
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
    "SSL_CERT_FILE", "SSL_CERT_DIR", "DOIT_RUN",
)  # fmt: skip
INTERACTIVE = ("TERM", "COLORTERM", "SHELL", "USER", "LOGNAME", "DISPLAY", "EDITOR", "PAGER")
FIXED = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC"}
TAIL_LINES = 20
TAIL_BYTES = 1 << 16
STOP_SECONDS = 5.0
LITTLE_ROOM = 1 << 20  # bytes


@dataclass(frozen=True)
class Command:
    """A program to start: its argument list, variables beside the white-listed ones, and where it runs.

    inherited: names of further variables that it gets as the caller has them. Their values (a password) are not shown.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    inherited: tuple[str, ...] = ()

    def variables(self) -> dict[str, str]:
        """Its whole environment."""
        passed = {name: os.environ[name] for name in self.inherited if name in os.environ}
        return clean_environment({**passed, **self.environment})

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


def run_interactive(command: Command) -> int:
    """Run a program that talks to the user (a shell, a pager) on our own stdin, stdout and stderr; return its status.

    On a terminal the program gets it for itself: Ctrl-C and Ctrl-Z are the program's. The status is that of a
    shell's $?: 128 + number for a program ended by a signal. A program that cannot be started is an error.
    """
    given = {name: os.environ[name] for name in INTERACTIVE if name in os.environ}
    terminal = _terminal()
    try:
        process = subprocess.Popen(
            command.argv, cwd=command.directory, env={**clean_environment({}), **given, **command.environment},
            process_group=None if terminal is None else 0, restore_signals=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise _not_started(command, error) from error
    try:
        if terminal is not None:
            return _with_terminal(process, terminal)
        status = process.wait()
        return status if status >= 0 else 128 - status
    finally:
        if terminal is not None:
            _give(terminal, os.getpgrp())
            stop_group(process)
        else:
            process.kill()
            process.wait()


def _terminal() -> int | None:
    """Standard input if it is our terminal and we are in its foreground, so that it is ours to lend."""
    with suppress(OSError):
        if os.tcgetpgrp(0) == os.getpgrp():
            return 0
    return None


def _give(terminal: int, group: int) -> None:
    """Make a process group the terminal's foreground; whoever else asks for that is stopped by SIGTTOU."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    try:
        with suppress(OSError):  # the terminal has hung up, or the group has ended
            os.tcsetpgrp(terminal, group)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _with_terminal(process: subprocess.Popen[bytes], terminal: int) -> int:
    """Lend the terminal to a program until it ends; when it is stopped (Ctrl-Z), stop with it and go on with it."""
    own, modes = os.getpgrp(), termios.tcgetattr(terminal)
    while True:
        _give(terminal, process.pid)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
        _, ended = os.waitpid(process.pid, os.WUNTRACED)
        _give(terminal, own)
        if not os.WIFSTOPPED(ended):
            # A program that was killed may have left the terminal without echo.
            if os.WIFSIGNALED(ended):
                termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
            code = os.waitstatus_to_exitcode(ended)
            process.returncode = code
            return code if code >= 0 else 128 - code
        os.killpg(own, signal.SIGTSTP)


@contextmanager
def started(
    command: Command, *, stdin: BinaryIO | int, stdout: BinaryIO | int, stderr: BinaryIO | int
) -> Iterator[subprocess.Popen[bytes]]:
    """A running program in a process group of its own; the whole group has ended when the block is left."""
    try:
        process = subprocess.Popen(
            command.argv, stdin=stdin, stdout=stdout, stderr=stderr, cwd=command.directory,
            env=command.variables(), start_new_session=True,
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
    lines += _full_places(command)
    return GlassmasterError(f"{name} {how}", why="\n".join(lines), hint=f"to repeat it: {command.line()}{where}")


def _full_places(command: Command) -> list[str]:
    """Where a program works and hardly any room is left: some (mcopy) fail there without a word."""
    lines = []
    for folder in (os.environ.get("TMPDIR") or "/tmp", str(command.directory or ".")):
        with suppress(OSError):
            found = os.statvfs(folder)
            if (left := found.f_bavail * found.f_frsize) < LITTLE_ROOM:
                lines.append(f"hardly any room left in {Path(folder).absolute()}: {left:,} bytes")
    return lines


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
