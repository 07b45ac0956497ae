"""The one way to start a program: its environment, its errors, and that nothing of it outlives the block."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster import run as run_module
from glassmaster.errors import GlassmasterError
from glassmaster.run import TAIL_BYTES, TAIL_LINES, Command, clean_environment, failure, run, started, stop_group


def shell(script: str) -> Command:
    return Command(("sh", "-c", script))


def failed(command: Command, log: Path | None = None) -> GlassmasterError:
    with pytest.raises(GlassmasterError) as caught:
        run(command, log=log)
    return caught.value


@contextmanager
def held(path: Path) -> Iterator[int]:
    """A new FIFO, open for reading and writing, so that nobody waits for the other side."""
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_standard_output_is_returned() -> None:
    assert run(Command(("printf", "a\\0b"))) == b"a\0b"


def test_standard_input_is_given() -> None:
    assert run(Command(("cat",)), stdin=b"in\0put") == b"in\0put"
    assert run(Command(("cat",))) == b""


def test_more_than_a_pipe_holds_passes_both_ways() -> None:
    data = bytes(range(256)) * 4096
    assert run(Command(("cat",)), stdin=data) == data


def test_it_runs_in_its_directory(tmp_path: Path) -> None:
    assert run(Command(("pwd", "-P"), directory=tmp_path)) == f"{tmp_path.resolve()}\n".encode()


def test_programs_see_the_white_list_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:1/")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    for name in ("SOURCE_DATE_EPOCH", "LC_ALL", "LANGUAGE", "CFLAGS", "GREP_OPTIONS", "PYTHONPATH"):
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("TMPDIR", raising=False)
    script = "import os; print(sorted(os.environ.items()))"
    seen = dict(eval(run(Command((sys.executable, "-I", "-c", script), environment={"EXTRA": "yes"}))))
    assert seen["PATH"] == os.environ["PATH"]
    assert seen["http_proxy"] == "http://proxy.example:1/"
    assert (seen["LC_ALL"], seen["LANG"], seen["TZ"]) == ("C.UTF-8", "C.UTF-8", "UTC")
    assert seen["EXTRA"] == "yes"
    assert set(seen) <= {*run_module.PASSED_ON, *run_module.FIXED, "EXTRA"}
    assert "TMPDIR" not in seen


def test_a_command_can_overrule_what_is_fixed() -> None:
    assert clean_environment({"TZ": "Asia/Tokyo"})["TZ"] == "Asia/Tokyo"


def test_an_inherited_variable_is_passed_on_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "secret")
    monkeypatch.delenv("MISSING", raising=False)
    command = Command(
        ("sh", "-c", 'echo "$PASSWORD ${MISSING-none}"; exit $CODE'), {"CODE": "0"}, None, ("PASSWORD", "MISSING")
    )
    assert run(command) == b"secret none\n"
    error = failed(replace(command, environment={"CODE": "3"}))
    assert "secret" not in str(error) and "CODE=3 sh -c" in error.hint


def test_failure_shows_status_tail_and_command() -> None:
    error = failed(Command(("sh", "-c", "seq 30 >&2; exit 3"), environment={"A": "b c"}))
    assert error.what == "sh ended with status 3"
    assert error.why.splitlines() == [str(number) for number in range(11, 31)]
    assert len(error.why.splitlines()) == TAIL_LINES
    assert error.hint == "to repeat it: A='b c' sh -c 'seq 30 >&2; exit 3'"


def test_a_huge_log_is_not_read_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    error = failed(shell(f"head -c {TAIL_BYTES * 3} /dev/zero | tr '\\0' x >&2; echo >&2; echo last >&2; exit 1"), log)
    assert error.why.splitlines()[-1] == "last"
    assert len(error.why) <= TAIL_BYTES
    assert log.stat().st_size > TAIL_BYTES * 3


def test_words_that_are_no_utf_8_are_shown_all_the_same() -> None:
    assert failed(shell("printf 'caf\\351\\n' >&2; exit 1")).why == "caf\N{REPLACEMENT CHARACTER}"


def test_a_program_that_says_nothing_fails_all_the_same() -> None:
    error = failed(Command(("false",)))
    assert (error.what, error.why) == ("false ended with status 1", "")


@pytest.mark.parametrize(("name", "word"), [("KILL", "SIGKILL"), ("TERM", "SIGTERM"), ("40", "signal 40")])
def test_a_signal_is_named(name: str, word: str) -> None:
    assert failed(shell(f"kill -{name} $$")).what == f"sh was ended by {word}"


def test_a_missing_program_is_named() -> None:
    error = failed(Command(("no-such-program-here", "-x")))
    assert error.what == "the program no-such-program-here is not installed"
    assert "no-such-program-here -x" in error.why
    assert "requirements/debian.txt" in error.hint


def test_a_missing_directory_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    error = failed(Command(("true",), directory=tmp_path / "missing"))
    assert error.what == "the program true cannot be started"
    assert str(tmp_path / "missing") in error.why


def test_a_file_that_cannot_be_executed_is_an_error_for_people(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\0")
    assert os.strerror(errno.EACCES) in failed(Command((str(program),))).why
    program.chmod(0o755)
    assert os.strerror(errno.ENOEXEC) in failed(Command((str(program),))).why


def test_an_argument_that_no_program_can_be_given_is_an_error_for_people() -> None:
    error = failed(Command(("true", "a\0b")))
    assert "null byte" in error.why


def test_the_log_is_kept_and_named_whether_it_ends_well_or_badly(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "log"
    assert run(shell("echo out; echo err >&2"), log=log) == b"out\n"
    assert log.read_bytes() == b"err\n"
    error = failed(shell("echo again >&2; exit 1"), log)
    assert log.read_bytes() == b"again\n"
    assert error.hint.endswith(f"; the whole log: {log}")
    assert error.why == "again"


def test_a_log_that_cannot_be_written_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be written" in failed(shell("true"), tmp_path / "file" / "log").what


def test_the_command_line_can_be_pasted() -> None:
    command = Command(("prog", "a b", "it's", "$HOME", ""), {"B": "2", "A": "x y"}, Path("/some where"))
    assert command.line() == "cd '/some where' && A='x y' B=2 prog 'a b' 'it'\"'\"'s' '$HOME' ''"
    assert Command(("true",)).line() == "true"


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)
def test_a_shell_reads_the_command_line_as_it_was_meant(words: list[str], value: str) -> None:
    command = Command(("printf", "%s\\0", *words, "end"), {"VALUE": value})
    assert subprocess.run(["sh", "-c", command.line()], capture_output=True).stdout == run(command)
    asked = Command(("sh", "-c", 'printf %s "$VALUE"'), {"VALUE": value})
    assert subprocess.run(["sh", "-c", asked.line()], capture_output=True).stdout == value.encode()


def test_what_a_program_leaves_in_the_background_is_ended_and_nobody_waits_for_it(tmp_path: Path) -> None:
    with held(tmp_path / "go") as go:
        os.mkfifo(tmp_path / "life")
        life = os.open(tmp_path / "life", os.O_RDONLY | os.O_NONBLOCK)
        # The grandchild holds `life` and standard output; asked through `go`, it would say that it lives.
        inner = f"exec 9>{tmp_path}/life; {{ read word <{tmp_path}/go; echo alive >&9; }} & echo started"
        assert run(shell(inner)) == b"started\n"
        os.write(go, b"word\n")
        os.set_blocking(life, True)
        assert os.read(life, 100) == b""
        os.close(life)


def test_leaving_the_block_by_an_error_ends_the_program(tmp_path: Path) -> None:
    with held(tmp_path / "go"):
        command = Command(("cat", str(tmp_path / "go")))
        nothing = subprocess.DEVNULL
        with (
            pytest.raises(KeyboardInterrupt),
            started(command, stdin=nothing, stdout=nothing, stderr=nothing) as process,
        ):
            raise KeyboardInterrupt
        assert process.returncode == -signal.SIGTERM


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "STOP_SECONDS", 0.01)
    with held(tmp_path / "go"):
        command = shell(f"trap '' TERM; echo ready; cat {shlex.quote(str(tmp_path / 'go'))}")
        with started(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL


def test_a_second_interrupt_while_waiting_still_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with held(tmp_path / "go"):
        command = shell(f"trap '' TERM; echo ready; cat {shlex.quote(str(tmp_path / 'go'))}")
        process = subprocess.Popen(command.argv, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        wait = process.wait

        def interrupted(timeout: float | None = None) -> int:
            if timeout is not None:
                raise KeyboardInterrupt
            return wait()

        monkeypatch.setattr(process, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stop_group(process)
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL


def test_a_program_that_has_ended_by_itself_keeps_its_status() -> None:
    nothing = subprocess.DEVNULL
    with started(shell("exit 7"), stdin=nothing, stdout=nothing, stderr=nothing) as process:
        process.wait()
    assert process.returncode == 7


def test_it_has_a_process_group_and_session_of_its_own() -> None:
    script = "import os; print(os.getpgid(0) == os.getsid(0) == os.getpid())"
    assert run(Command((sys.executable, "-I", "-c", script))) == b"True\n"


def test_failure_names_the_program_without_its_folder() -> None:
    assert failure(Command(("/usr/bin/tool",)), 2, b"", None).what == "tool ended with status 2"
