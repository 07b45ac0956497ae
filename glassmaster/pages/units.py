"""Numbers for people."""

from __future__ import annotations

from glassmaster.doit_plugins.summary import size_text

MINUS, EITHER = "\N{MINUS SIGN}", "\N{PLUS-MINUS SIGN}"


def change_text(change: int) -> str:
    """A change in bytes, with its sign, which 0 has too."""
    sign = "+" if change > 0 else MINUS if change < 0 else EITHER
    return sign + size_text(abs(change))
