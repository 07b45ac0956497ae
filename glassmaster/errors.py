"""The one error class: what went wrong, why, and what to do about it."""

from __future__ import annotations


class GlassmasterError(Exception):
    """An error made for people; anything else that reaches the terminal is a bug.

    what: one line, what went wrong and where (``file:line`` where a file of the user's is at fault).
    why:  one line or a short block, the evidence (expected and found values, the tail of a log).
    hint: one line, what to do next.
    """

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(filter(None, [self.what, indented(self.why), indented(self.hint)]))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders under `doit -n`; keyword arguments need help with that.
        return _rebuild, (self.what, self.why, self.hint)


def _rebuild(what: str, why: str, hint: str) -> GlassmasterError:
    return GlassmasterError(what, why=why, hint=hint)


def indented(text: str) -> str:
    """The text with each line set in by two columns."""
    return "\n".join(f"  {line}" for line in text.splitlines())
