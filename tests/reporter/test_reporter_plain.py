"""What a log shows, line by line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.reporter.conftest import Project

Make = Callable[..., "Project"]

BUILD = """
from pathlib import Path


def write(name, seconds):
    print("writing", name)
    passes(seconds)
    with progress("copying", 4_000_000, "bytes") as advance:
        passes(11)
        advance(1_500_000)
    Path(name).write_text("x" * 1234)
    print("rest without an end of line \\x1b[31m", end="")


def task_part():
    return {"actions": [(write, ["part", 1.5])], "targets": ["part"], "uptodate": [True], "verbosity": 2}


def task_whole():
    return {
        "actions": ["cat part > whole"], "file_dep": ["part"], "targets": ["whole"],
        "meta": {"show": (lambda name: f"{name} is ready", ["whole"])},
    }


def task_all():
    return {"actions": None, "task_dep": ["part", "whole"]}


def task_other():
    return {"actions": ["touch other-one"], "targets": ["other-one"], "uptodate": [True]}
"""


def test_a_build_and_then_nothing_to_do(project: Make) -> None:
    made = project(BUILD)
    result = made.doit("whole")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "\nwhole is ready\n"
    assert (
        result.stderr
        == """\
    0.00 s  part starts: first of part
    0.00 s  part | writing part
   12.50 s  part copying: 1.5 of 4.0 MB
   12.50 s  part | rest without an end of line \\x1b[31m
   12.50 s  part done in 12.50 s: part (1.2 kB)
   12.50 s  whole starts: first of whole, and 1 more
   12.50 s  whole done in 0.00 s: whole (1.2 kB)

task   why                            time  made
part   first of part               12.50 s  part (1.2 kB)
whole  first of whole, and 1 more   0.00 s  whole (1.2 kB)
2 tasks done in 12.50 s
"""
    )
    again = made.doit("whole")
    assert (again.returncode, again.stdout) == (0, "\nwhole is ready\n")
    assert again.stderr == "up to date: 2 tasks checked in 0.00 s\n"


def test_results_go_to_the_output_file_and_nothing_else_does(project: Make) -> None:
    made = project(BUILD)
    result = made.doit("-o", "results.txt", "whole")
    assert (result.returncode, result.stdout) == (0, "")
    assert (made.path / "results.txt").read_text() == "\nwhole is ready\n"
    assert "2 tasks done" in result.stderr


def test_a_reader_of_the_results_that_goes_away(project: Make) -> None:
    made = project(BUILD.replace('lambda name: f"{name} is ready"', 'lambda name: "long\\n" * 100_000'))
    command = made.command("whole")
    (made.path / "run.sh").write_text('"$@" | head -n 3\necho status ${PIPESTATUS[0]}\n')
    (made.path / "other").write_text("")
    import subprocess

    result = subprocess.run(
        ["bash", "run.sh", *command], cwd=made.path, env=made.environment(), capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "\nlong\nlong\nstatus 0\n"
    assert "Traceback" not in result.stderr and "BrokenPipe" not in result.stderr


FAILURES = """
from doit.exceptions import TaskFailed


def breaks():
    print("one")
    print("two")
    passes(2)
    return TaskFailed("it is broken\\n  because\\n  mend it")


def task_broken():
    return {"actions": [breaks], "targets": ["broken"]}


def task_needs():
    return {"actions": ["true"], "file_dep": ["broken"]}


def task_command():
    return {"actions": ["true", ["sh", "-c", "echo a b >&2; exit 3"]]}


def task_bug():
    return {"actions": [lambda: int("x")]}


def task_invalid():
    return {"actions": [int]}


def task_good():
    return {"actions": ["true"], "meta": {"show": (str, ["never shown"])}}
"""


def test_failures_come_last_and_once(project: Make) -> None:
    result = project(FAILURES).doit("-c", "broken", "needs", "command", "good", "variable=a b")
    assert result.returncode == 2 and result.stdout == ""
    assert (
        result.stderr
        == """\
    0.00 s  broken starts: first of broken, and 1 more
    0.00 s  broken | one
    0.00 s  broken | two
    2.00 s  broken FAILED after 2.00 s
    2.00 s  needs not run, a task that it needs failed
    2.00 s  command starts: first of command, and 1 more
    2.00 s  command | a b
    2.00 s  command FAILED after 0.00 s
    2.00 s  good starts: first of good
    2.00 s  good done in 0.00 s

task     why                             time  made
broken   first of broken, and 1 more   2.00 s  FAILED
command  first of command, and 1 more  0.00 s  FAILED
good     first of good                 0.00 s
1 task done in 2.00 s, 2 failed, 1 not run

not run, since a task that they need failed: needs

broken failed after 2.00 s:
it is broken
  because
  mend it
  the last lines that it printed:
    | one
    | two
  to run it again: doit broken 'variable=a b'

command failed after 0.00 s:
Command failed: '['sh', '-c', 'echo a b >&2; exit 3']' returned 3
  the command: sh -c 'echo a b >&2; exit 3'
  the last lines that it printed:
    | a b
  to run it again: doit command 'variable=a b'
"""
    )


def test_an_exception_is_shown_with_its_traceback(project: Make) -> None:
    result = project(FAILURES).doit("bug")
    assert result.returncode == 2
    assert result.stderr.count("Traceback") == 1 and result.stderr.endswith("  to run it again: doit bug\n")
    assert "ValueError: invalid literal for int() with base 10: 'x'" in result.stderr


def test_a_task_that_doit_cannot_run(project: Make) -> None:
    result = project(FAILURES).doit("invalid")
    assert result.returncode == 2
    assert "PythonAction" in result.stderr.split("stopped by an error after 0.00 s\n\n")[1]


def test_a_real_reason(project: Make) -> None:
    head = "from glassmaster.doit_plugins.reporter import PlainReporter\nDOIT_CONFIG = {'reporter': PlainReporter}\n"
    text = "def task_a():\n    return {'actions': ['touch a'], 'targets': ['a'], 'uptodate': [True]}\n"
    made = project(text, head)
    assert "a starts: " in made.doit("a").stderr
    (made.path / "a").unlink()
    assert "a starts: a: " in made.doit("a").stderr


def test_what_verbosity_hides_is_shown_when_it_failed(project: Make) -> None:
    result = project(FAILURES).doit("-v", "0", "command")
    assert "command | a b" not in result.stderr and "    | a b\n" in result.stderr


def test_the_projects_own_launcher_is_named(project: Make) -> None:
    made = project(FAILURES)
    (made.path / "doit").touch(0o755)
    assert made.doit("broken").stderr.endswith("  to run it again: ./doit broken\n")


def test_an_error_of_doit_itself(project: Make) -> None:
    result = project("def task_a():\n    return {'actions': ['true'], 'file_dep': ['not there']}\n").doit("a")
    assert result.returncode == 2
    assert "Dependent file 'not there' does not exist" in result.stderr.split("a failed:")[1]


def test_an_interrupt(project: Make) -> None:
    made = project(BUILD + "\n\ndef stop():\n    raise KeyboardInterrupt\n\n\ndef task_stop():\n    return "
                   "{'actions': [stop], 'task_dep': ['other']}\n")  # fmt: skip
    result = made.doit("stop")
    assert result.returncode != 0 and "interrupted after 0.00 s; 1 task done" in result.stderr


def test_a_task_that_wants_the_terminal_gets_it(project: Make) -> None:
    result = project("def task_a():\n    return {'actions': ['echo raw'], 'io': {'capture': False}}\n").doit("a")
    assert (result.returncode, result.stdout) == (0, "raw\n") and "| raw" not in result.stderr


def test_a_result_that_cannot_be_shown(project: Make) -> None:
    text = "def task_a():\n    return {'actions': ['true'], 'meta': {'show': (int, ['x'])}}\n"
    result = project(text).doit("a")
    assert result.returncode == 0
    assert "a: the result cannot be shown (ValueError" in result.stdout and "make it again: doit -a a" in result.stdout


def test_a_group_shows_the_results_of_its_members(project: Make) -> None:
    text = (
        "def task_g():\n    for name in 'ab':\n"
        "        yield {'name': name, 'actions': ['true'], 'meta': {'show': (str, [name * 3])}}\n"
    )
    assert project(text).doit("g", "g:a").stdout == "\naaa\n\nbbb\n"
