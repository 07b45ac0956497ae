"""The supervisor: nothing outlives a run, whoever is killed; statuses, terminals, temporary directories."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.reliability.project import GONE_SECONDS, MARKER, REPOSITORY, TIMEOUT, children, kill_left, wait_for_end

# The body of main() is the test's. `ready` tells the test that everything has been started.
PROGRAM = """
import os, signal, subprocess, sys, time
from glassmaster.doit_plugins.supervisor import Interrupted, supervised

def ready(*words):
    os.write(int(os.environ["READY"]), " ".join(map(str, (os.getpid(), *words))).encode() + b"\\n")

def start(*argv, **options):
    return subprocess.Popen(argv, close_fds=True, **options).pid

def daemon(*argv):
    # Two forks and a session of its own: nobody's child, in nobody's process group.
    done, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = subprocess.Popen(argv).pid
        os.write(tell, str(pid).encode())
        os._exit(0)
    os.wait()
    return int(os.read(done, 20))

def main():
{body}

if {supervised}:
    supervised("tool", main)
sys.exit(main())
"""
GOES_ON = "what was finished is kept, and the same command goes on from there"
SLEEPS = """
    pids = [start("sleep", "600"), start("sleep", "600", start_new_session=True), daemon("sleep", "600")]
    ready(*pids)
    signal.pause()
"""


@dataclass
class Started:
    """A supervised program; pids: the worker's, then those that the body gave to `ready`."""

    process: subprocess.Popen[bytes]
    pids: list[int]
    temporary: Path

    @property
    def guardian(self) -> int:
        return children(self.process.pid)[0]

    def end(self) -> tuple[int, str]:
        """Status and standard error."""
        _, said = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, said.decode()


@contextmanager
def started(
    folder: Path, body: str, *, supervised: bool = True, stdin: int = subprocess.DEVNULL, is_ready: bool = True
) -> Iterator[Started]:
    script = folder / "program.py"
    script.write_text(PROGRAM.format(body=body.strip("\n"), supervised=supervised))
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    out, told = os.pipe()
    marker = os.urandom(8).hex()
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary), MARKER: marker, "READY": str(told),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, script], env=environment, pass_fds=[told], process_group=0,
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(told)
    try:
        with os.fdopen(out, "rb") as words:
            pids = [int(word) for word in words.readline().split()] if is_ready else []
        yield Started(process, pids, temporary)
    finally:
        kill_left(marker)
        process.wait(TIMEOUT)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def all_gone(run: Started) -> bool:
    return wait_for_end(run.pids, GONE_SECONDS) == [] and list(run.temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_and_is_the_status(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, SLEEPS) as run:
        run.process.send_signal(number)
        status, said = run.end()
        assert status == -number
        assert said == f"tool: ended by {number.name}; {GOES_ON}\n"
        assert all_gone(run)


def test_a_shell_sees_128_and_the_signals_number(tmp_path: Path) -> None:
    body = """
    caller = int(open(f"/proc/{os.getppid()}/stat").read().rpartition(") ")[2].split()[1])
    os.kill(caller, signal.SIGTERM)
    signal.pause()
    """
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(body=body.strip("\n"), supervised=True))
    shell = subprocess.run(
        ["sh", "-c", '"$@"; echo $?', "sh", sys.executable, script],
        env={"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert shell.stdout == "143\n"


@pytest.mark.parametrize("who", ["caller", "guardian", "worker", "group"])
def test_sigkill_to_any_of_them_ends_everything(tmp_path: Path, who: str) -> None:
    with started(tmp_path, SLEEPS) as run:
        guardian = run.guardian
        if who == "group":
            os.killpg(run.process.pid, signal.SIGKILL)
        else:
            os.kill({"caller": run.process.pid, "guardian": guardian, "worker": run.pids[0]}[who], signal.SIGKILL)
        status, _ = run.end()
        assert status == (-signal.SIGKILL if who in ("caller", "group") else 128 + signal.SIGKILL)
        assert wait_for_end([guardian], GONE_SECONDS) == []
        assert all_gone(run)


def test_what_was_left_when_all_were_killed_the_next_run_ends(tmp_path: Path) -> None:
    with started(tmp_path, SLEEPS) as run:
        # Stopped first, those who would act on the death of another before that other: all three end as if at once.
        caller, guardian, worker = run.process.pid, run.guardian, run.pids[0]
        for pid in (caller, guardian, worker):
            os.kill(pid, signal.SIGSTOP)
        for pid in (worker, guardian, caller):
            os.kill(pid, signal.SIGKILL)
        run.process.wait(TIMEOUT)
        assert wait_for_end(run.pids[1:], 0) == run.pids[1:]
        assert len(list(run.temporary.iterdir())) == 1
        with started(tmp_path, "    ready()") as other:
            assert other.end() == (0, "")
        assert all_gone(run)


def test_without_a_supervisor_all_of_it_is_left(tmp_path: Path) -> None:
    with started(tmp_path, SLEEPS, supervised=False) as run:
        run.process.terminate()
        run.process.wait(TIMEOUT)
        assert wait_for_end(run.pids[1:], 0) == run.pids[1:]


def test_what_a_successful_run_leaves_running_is_ended(tmp_path: Path) -> None:
    with started(tmp_path, '    ready(daemon("sleep", "600"), start("sleep", "600"))') as run:
        assert run.end() == (0, "")
        assert all_gone(run)


def test_what_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    body = """
    reading, told = os.pipe()
    pid = start("sh", "-c", "trap '' TERM; echo; exec sleep 600", start_new_session=True, stdout=told)
    os.read(reading, 1)
    ready(pid)
    """
    with started(tmp_path, body) as run:
        assert run.end() == (0, "")
        assert all_gone(run)


def test_the_first_signal_lets_it_tidy_up_and_further_ones_do_not_disturb_that(tmp_path: Path) -> None:
    body = """
    reading, told = os.pipe()
    try:
        ready()
        signal.pause()
    except Interrupted as interrupted:
        os.kill(os.getpid(), signal.SIGTERM)
        print("tidied up after", interrupted)
        raise
    """
    with started(tmp_path, body) as run:
        run.process.terminate()
        output, _ = run.process.communicate(timeout=TIMEOUT)
        assert output == b"tidied up after SIGTERM\n"


def test_a_second_interrupt_is_immediate(tmp_path: Path) -> None:
    # It would tidy up for ever; with the first signal alone it would get all of its time.
    body = """
    try:
        ready()
        signal.pause()
    except Interrupted:
        os.write(1, b"tidying up")
        while True:
            signal.pause()
    """
    with started(tmp_path, body) as run:
        run.process.send_signal(signal.SIGINT)
        assert run.process.stdout is not None
        assert run.process.stdout.read(10) == b"tidying up"
        # A second SIGTERM is nothing new: service managers and shells send several.
        run.process.send_signal(signal.SIGTERM)
        assert wait_for_end([run.process.pid], 0) == [run.process.pid]
        run.process.send_signal(signal.SIGINT)
        assert run.end()[0] == -signal.SIGINT
        assert all_gone(run)


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_the_status_is_the_programs_own(tmp_path: Path, status: int) -> None:
    with started(tmp_path, f"    ready(); return {status}") as run:
        assert run.end() == (status, "")


def test_a_crash_is_named(tmp_path: Path) -> None:
    with started(tmp_path, "    ready(); os.kill(os.getpid(), signal.SIGSEGV)") as run:
        assert run.end() == (139, "tool: was killed (SIGSEGV); the same command goes on from there\n")


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    # As nohup starts programs. The worker ends by itself after its caller was hung up on.
    body = "    ready(); sys.stdin.read(); return 0"
    reading, writing = os.pipe()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with started(tmp_path, body, stdin=reading) as run:
            os.killpg(run.process.pid, signal.SIGHUP)
            os.close(writing)
            assert run.end() == (0, "")
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.close(reading)


def test_ctrl_z_stops_programs_in_sessions_of_their_own_too(tmp_path: Path) -> None:
    body = """
    pid = start("sleep", "600", start_new_session=True)
    ready(pid)
    signal.pause()
    """
    with started(tmp_path, body) as run:
        os.killpg(run.process.pid, signal.SIGTSTP)
        wait_for_state(run.pids[1], "T")
        os.killpg(run.process.pid, signal.SIGCONT)
        wait_for_state(run.pids[1], "S")
        os.killpg(run.process.pid, signal.SIGTSTP)
        wait_for_state(run.pids[1], "T")
        # What is stopped ends all the same.
        os.kill(run.process.pid, signal.SIGKILL)
        assert all_gone_soon(run)


def all_gone_soon(run: Started) -> bool:
    """As all_gone, when the guardian ends by itself some time after its caller."""
    return wait_for_end(run.pids, GONE_SECONDS) == []


def wait_for_state(pid: int, state: str) -> None:
    """There is no descriptor for it: ask until it is so."""
    for _ in range(20_000):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith(state):
            return
        os.sched_yield()
    raise AssertionError(f"{pid} is not in state {state}")


def test_on_a_terminal_the_worker_is_in_the_foreground_and_reads_from_it(tmp_path: Path) -> None:
    # The supervisor is a session's leader here, as in a container.
    script = tmp_path / "program.py"
    body = '    assert os.tcgetpgrp(0) == os.getpgrp(); print("read", input()); return 0'
    script.write_text(PROGRAM.format(body=body, supervised=True))
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}
        os.execve(sys.executable, [sys.executable, str(script)], environment)
    os.write(terminal, b"a line\n")
    output = b""
    try:
        while data := os.read(terminal, 1000):
            output += data
    except OSError:  # Linux's end-of-file of a terminal
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert output.splitlines()[-1] == b"read a line"


def test_no_room_for_temporary_files_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tmp").write_text("in the way")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(body="    return 0", supervised=True))
    finished = subprocess.run(
        [sys.executable, script], env={"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 3
    [line] = finished.stderr.splitlines()
    assert line.startswith("tool: no directory for temporary files:")
    assert line.endswith("TMPDIR can name another place")
