"""What an inspection found: names with values, and tables."""

from __future__ import annotations

from dataclasses import dataclass

Cell = str | int


@dataclass(frozen=True)
class Table:
    """Rows of equal length. A column whose name begins with # holds numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Report:
    """One thing that was looked into.

    name: what it is called. what: its kind, in a few words. inside: what it holds that has an inside of its own.
    remarks: what could not be known, and why; what looks wrong.
    """

    name: str
    what: str
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    inside: tuple[Report, ...] = ()
    remarks: tuple[str, ...] = ()


def table(title: str, columns: tuple[str, ...], rows: list[tuple[Cell, ...]]) -> tuple[Table, ...]:
    """A table, unless it would be empty."""
    return (Table(title, columns, tuple(rows)),) if rows else ()
