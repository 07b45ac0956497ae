"""A report as text."""

from __future__ import annotations

from glassmaster.commands.inspect_text import ROWS, as_text
from glassmaster.inspection.model import Report, Table


def test_tables_are_aligned_and_cut() -> None:
    rows = tuple((f"n{number}", number * 1000) for number in range(ROWS + 5))
    report = Report(
        "it", "thing", (("a", "x"), ("longer", "y z")), (Table("All", ("name", "#bytes"), rows),), (), ("look",)
    )
    text = as_text(report)
    assert text.splitlines()[:7] == [
        "it: thing", "  a       x", "  longer  y z", "  note: look", "", "  All", "    name   bytes",
    ]  # fmt: skip
    assert (
        "    n0         0\n" in text and "    n19   19,000\n" in text and text.endswith("and 5 more (--all shows them)")
    )
    assert as_text(report, everything=True).endswith("    n24   24,000")


def test_what_is_inside_comes_after_it() -> None:
    inner = Report("b", "thing inside")
    assert as_text(Report("a", "thing", inside=(inner, inner))) == "a: thing\n\nb: thing inside\n\nb: thing inside"
