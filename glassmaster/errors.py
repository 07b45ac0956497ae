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
        what = "\\n".join(readable(self.what).split("\n"))
        return "\n".join(filter(None, [what, indented(readable(self.why)), indented(readable(self.hint))]))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders under `doit -n`; keyword arguments need help with that.
        return _rebuild, (self.what, self.why, self.hint)


def _rebuild(what: str, why: str, hint: str) -> GlassmasterError:
    return GlassmasterError(what, why=why, hint=hint)


def readable(text: str) -> str:
    """The text with escapes for what must not reach a terminal: names and logs are often somebody else's.

    Escaped are control characters but line breaks and tabs, and the bytes that are no UTF-8 (surrogate escapes).
    """
    return "".join(
        character if character.isprintable() or character in "\n\t" else character.encode("unicode_escape").decode()
        for character in text
    )


def indented(text: str) -> str:
    """The text with each line set in by two columns."""
    return "\n".join(f"  {line}" for line in text.splitlines())
