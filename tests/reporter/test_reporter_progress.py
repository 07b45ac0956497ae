"""What a step tells of its progress."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from glassmaster.doit_plugins.observed import LINE_CHARACTERS, LineWriter
from glassmaster.doit_plugins.plain import amount_text
from glassmaster.doit_plugins.progress import listening, progress
from glassmaster.doit_plugins.summary import size_text


def test_nobody_listens() -> None:
    with progress("x", 3) as advance:
        advance()
        advance.to(2, 5)


def test_the_first_and_the_last_are_told_and_few_between(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with listening(told.append), progress("x", 1000) as advance:
        for _ in range(1000):
            now[0] += 0.001
            advance()
    assert len(told) in (11, 12)  # ten a second
    assert told[0]["done"] == 0 and told[-1] == {
        "event": "progress", "label": "x", "done": 1000, "total": 1000, "unit": "steps"
    }  # fmt: skip


def test_an_exception_passes_and_the_last_state_is_told() -> None:
    told: list[dict[str, Any]] = []
    with pytest.raises(KeyError), listening(told.append), progress("x", unit="bytes") as advance:
        advance.to(7, 10)
        raise KeyError
    assert (told[-1]["done"], told[-1]["total"]) == (7, 10)


def test_threads_may_advance() -> None:
    told: list[dict[str, Any]] = []
    with listening(told.append), progress("x", 800) as advance, ThreadPoolExecutor(8) as pool:
        for _ in range(800):
            pool.submit(advance)
    assert told[-1]["done"] == 800


def test_nothing_is_heard_outside_of_the_block() -> None:
    told: list[dict[str, Any]] = []
    with listening(told.append):
        pass
    with progress("x"):
        pass
    assert told == []


def test_whole_lines_are_passed_on() -> None:
    told: list[dict[str, Any]] = []
    writer = LineWriter(told.append, "stdout")
    for text in ("one\ntw", "o\r\n\nthree\rfour", ""):
        writer.write(text)
    assert [event["line"] for event in told] == ["one", "two", "", "three"]
    writer.finish()
    writer.finish()
    assert [event["line"] for event in told[4:]] == ["four"]


def test_long_lines_come_in_pieces() -> None:
    told: list[dict[str, Any]] = []
    writer = LineWriter(told.append, "stdout")
    writer.write("x" * (2 * LINE_CHARACTERS + 1))
    writer.write("y\n")
    assert "".join(event["line"] for event in told) == "x" * (2 * LINE_CHARACTERS + 1) + "y"
    assert max(len(event["line"]) for event in told) == LINE_CHARACTERS


@pytest.mark.parametrize(("size", "text"), [
    (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5_427_200, "5.4 MB"), (4.7e9, "4.7 GB"), (1e13, "10,000.0 GB"),
])  # fmt: skip
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


def test_amounts() -> None:
    steps = {"done": 3, "total": 8, "unit": "steps"}
    assert amount_text(steps) == "3 of 8"
    assert amount_text({**steps, "total": None}) == "3"
    assert amount_text({**steps, "total": None, "unit": "bytes"}) == "3 B"
