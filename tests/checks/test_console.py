"""The serial console: lines, milestones and alarms, however the bytes come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glassmaster.checks.smoke.console import LONGEST_LINE, Console, Expected, cleaned, serial_log

STREAM = (
    "SeaBIOS\r\n\x1b[2J\x1b[01;01HGNU GRUB  version 2.06\x1b[0m\x1b[37;40m\x1b[5;2H+---+\r\n"
    "Loading Xen ...\r\n(XEN) Xen version 4.17.5 (Debian)\n\rünïcödé \U0001f986\r\n"
    "memory: 256 MiB\r\nmemory: 25 MiB\r\rlast words\r\npanic: no\r\nafter"
).encode()
EXPECTED = (
    Expected("menu", "GNU GRUB"),
    Expected("loading", "Loading Xen"),
    Expected("Xen", r"Xen version \d+\.\d+"),
    Expected("duck", "ünïcödé \U0001f986$"),
    Expected("memory", "memory: 25 MiB$"),
    Expected("last", "^last words"),
)


def seen(pieces: list[bytes]) -> tuple[list[str], list[tuple[str, str]], str]:
    console = Console(EXPECTED)
    for piece in pieces:
        console.feed(piece, 1.0)
    console.finish(2.0)
    return [line for _, line in console.lines], [(item.name, item.line) for item in console.reached], console.alarm


WHOLE = seen([STREAM])


def test_the_whole_at_once() -> None:
    lines, reached, alarm = WHOLE
    assert [name for name, _ in reached] == [item.name for item in EXPECTED]
    assert dict(reached)["Xen"] == "Xen version 4.17.5 (Debian)"
    assert dict(reached)["menu"] == "GNU GRUB  version 2.06+---+"
    assert alarm == "panic: no"
    assert lines[:3] == ["SeaBIOS", "GNU GRUB  version 2.06+---+", "Loading Xen ..."]
    assert lines[-1] == "after"


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
@example(list(range(len(STREAM))))
def test_split_anywhere(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(STREAM)]
    assert seen([STREAM[start:end] for start, end in pairwise(ends)]) == WHOLE


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes(pieces: list[bytes]) -> None:
    assert seen(pieces) == seen([b"".join(pieces)])


def test_order_is_enforced() -> None:
    console = Console((Expected("one", "1"), Expected("two", "2")))
    console.feed(b"2\n", 0)
    assert console.reached == [] and console.waiting_for == Expected("one", "1")
    console.feed(b"1\n", 1)
    assert console.waiting_for == Expected("two", "2")
    console.feed(b"2\n", 2)
    assert console.waiting_for is None


def test_two_milestones_on_one_line_stand_behind_one_another() -> None:
    console = Console((Expected("b", "b"), Expected("a", "a"), Expected("second a", "a")))
    console.feed(b"a b a\n", 0)
    assert [item.name for item in console.reached] == ["b", "a"]


@pytest.mark.parametrize("prompt", ["login: ", "GNU GRUB  version 2.06", "\x1b[1;1HGNU GRUB \x1b[5;5H", "# "])
def test_a_line_without_an_end_counts_when_nothing_more_comes(prompt: str) -> None:
    console = Console((Expected("prompt", r"login: ?$|GNU GRUB|^#"), Expected("next", "next")))
    console.feed(prompt.encode(), 1)
    assert console.reached == []
    console.quiet(1.5)
    assert [(item.name, item.seconds) for item in console.reached] == [("prompt", 1.5)]
    console.quiet(2)
    console.feed(b"\x1b[0m next\r\n", 3)
    assert [item.name for item in console.reached] == ["prompt", "next"]
    assert len(console.lines) == 1


def test_the_line_after_a_prompt_is_searched_from_its_beginning() -> None:
    console = Console((Expected("prompt", "login:$"), Expected("next", "^root")))
    console.feed(b"login: ", 1)
    console.quiet(2)
    console.feed(b"\r\nroot\r\n", 3)
    assert [item.name for item in console.reached] == ["prompt", "next"]


def test_a_menu_that_stands_still_is_no_second_menu() -> None:
    console = Console((Expected("menu", "GNU GRUB"), Expected("again", "GNU GRUB")))
    console.feed(b"GNU GRUB", 1)
    console.quiet(2)
    console.quiet(3)
    console.feed(b" 5s\r\n", 4)
    assert [item.name for item in console.reached] == ["menu"]


@pytest.mark.parametrize("line", [
    "panic: cnopen", "Panic on CPU 0:", "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.",  "db> ",
    "(XEN) FATAL TRAP: vector = 13", "fatal trap 6", "(XEN) domain_crash_sync called", "db{0}> ", "fatal page fault",
    "error: file `/netbsd' not found.", "\x1b[31merror: no such device", "grub> ", "grub rescue> ", "panic on CPU 3",
    "Stopped in pid 0.1 (system)",
])  # fmt: skip
def test_alarms(line: str) -> None:
    console = Console(())
    console.feed(line.encode(), 0)
    console.quiet(1)
    assert console.alarm == cleaned(line).strip()
    ended = Console(())
    ended.feed(line.encode() + b"\r\n", 0)
    assert ended.alarm == console.alarm


@pytest.mark.parametrize("line", [
    "standin: command line: root=cd0a standin.panic", "no panic", "0 errors", "usage: mdb>", "ixg0: error: none",
    "/usr/lib/grub>", "GNU GRUB  version 2.06",
])  # fmt: skip
def test_no_alarm(line: str) -> None:
    console = Console(())
    console.feed(line.encode() + b"\r\n", 0)
    assert console.alarm == ""


def test_the_first_alarm_counts() -> None:
    console = Console(())
    console.feed(b"panic: one\npanic: two\n", 0)
    assert console.alarm == "panic: one"


def test_a_line_without_end_is_cut() -> None:
    console = Console(())
    for _ in range(10):
        console.feed(b"x" * LONGEST_LINE, 0)
    console.feed(b"y\n", 0)
    assert [len(line) for _, line in console.lines] == [LONGEST_LINE] * 10 + [1]


def test_log() -> None:
    console = Console(())
    console.feed(b"one\r\n\x1b[31mtwo\x07\r\n", 1.234)
    console.finish(99)
    assert serial_log(console.lines) == "[    1.23] one\n[    1.23] two\n"
