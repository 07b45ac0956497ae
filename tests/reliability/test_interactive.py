"""Programs that talk to the user: they get the terminal, and give it back."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run_interactive
from tests.reliability.project import REPOSITORY

# On a terminal of its own: the interrupts that the program gets are not the caller's.
ON_A_TERMINAL = """
import os, signal, sys
from glassmaster.run import Command, run_interactive
status = run_interactive(Command(("sh", "-c", sys.argv[1])))
assert os.tcgetpgrp(0) == os.getpgrp(), "the terminal was not given back"
print("status", status, flush=True)
"""


def talk(script: str, folder: Path, *lines: tuple[bytes, bytes]) -> bytes:
    """Run a shell script on a terminal; at each prompt type something. All that was on the screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"], "TMPDIR": str(folder)}
        os.execve(sys.executable, [sys.executable, "-c", ON_A_TERMINAL, script], environment)
    screen, todo = b"", list(lines)
    try:
        while data := os.read(terminal, 1000):
            screen += data
            if todo and todo[0][0] in screen:
                os.write(terminal, todo.pop(0)[1])
    except OSError:  # Linux's end-of-file of a terminal
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, screen.decode()
    return screen


def test_it_reads_and_writes_the_terminal(tmp_path: Path) -> None:
    screen = talk("echo name?; read name; echo hello $name; exit 7", tmp_path, (b"name?", b"me\n"))
    assert b"hello me" in screen
    assert b"status 7" in screen


def test_ctrl_c_is_the_programs(tmp_path: Path) -> None:
    # What it has read shows that the terminal is its own by now; a Ctrl-C before that would be its caller's.
    script = "echo name?; read name; echo hello $name; exec cat"
    assert b"status 130" in talk(script, tmp_path, (b"name?", b"me\n"), (b"hello me", b"\x03"))


def test_a_program_that_was_killed_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    screen = talk("stty raw -echo; kill -KILL $$", tmp_path)
    assert b"status 137\r\n" in screen  # in raw mode there would be no \r


def test_without_a_terminal_it_has_the_streams_of_its_caller(tmp_path: Path) -> None:
    script = "from glassmaster.run import *; raise SystemExit(run_interactive(Command(('sh', '-c', 'cat; exit 5'))))"
    finished = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]},
        input=b"words", stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert (finished.returncode, finished.stdout) == (5, b"words")


def test_what_cannot_be_started_is_an_error_for_people() -> None:
    with pytest.raises(GlassmasterError, match="is not installed"):
        run_interactive(Command(("no-such-program-anywhere",)))
