"""What a check found, as data; and what every release may be asked to have gone through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassmaster.diff.model import Result, from_json
from glassmaster.errors import GlassmasterError

# What a release is refused without; each may be left out by name only, and the provenance says so.
FULL = "full-repro"
REQUIRED = ("readback", "smoke", "repro", FULL, "diff", "signature")
# Leaving out the first leaves out the second: there is nothing to be whole.
IMPLIED = {"repro": FULL}

# No document of a release is nested nearly as deep.
DEEPEST = 100


@dataclass(frozen=True)
class Checked:
    """A check that was made. what: what holds if it is good. problems: one line each. skipped: why it was not made."""

    name: str
    what: str
    problems: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def good(self) -> bool:
        """Whether it was made and found nothing."""
        return not self.problems and not self.skipped


@dataclass(frozen=True)
class Verified:
    """A release that was verified. facts: its release.json, where that can be read."""

    where: str
    facts: Mapping[str, Any]
    checks: tuple[Checked, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """All of them, each with the name of its check."""
        return tuple(f"{check.name}: {problem}" for check in self.checks for problem in check.problems)


def read_document(path: Path) -> dict[str, Any]:
    """A JSON object from a file; GlassmasterError for anything else, and for one that is nested without end."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise GlassmasterError(f"{path.name}: cannot be read", why=str(error)) from error
    if not isinstance(document, dict):
        raise GlassmasterError(f"{path.name}: not a JSON object")
    _require_shallow(document, path.name)
    return document


def _require_shallow(document: dict[str, Any], name: str) -> None:
    """Whoever walks through a document does it by recursion."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [
            value for item in level for value in (item.values() if isinstance(item, dict) else item)
            if isinstance(value, dict | list)
        ]  # fmt: skip
    if level:
        raise GlassmasterError(f"{name}: nested more than {DEEPEST} levels deep")


def read_comparison(path: Path) -> Result:
    """diff.json; GlassmasterError for anything else."""
    return from_json(read_document(path), path.name)


@contextmanager
def told(problems: list[str], what: str = "") -> Iterator[None]:
    """What goes wrong in the block becomes a line: errors for people, and what a document of another shape leads to."""
    try:
        yield
    except GlassmasterError as error:
        problems.append(" / ".join(filter(None, [error.what, *error.why.splitlines()[:3]])))
    except OSError as error:
        problems.append(f"{error.filename and Path(error.filename).name}: {error.strerror}")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
        problems.append(f"{what or 'a document'}: not as it should be ({type(error).__name__}: {error})")


def check(name: str, what: str, find: Callable[..., Iterable[str]], *arguments: Any) -> Checked:
    """Make a check, find(*arguments): whatever it raises is a problem, too."""
    problems: list[str] = []
    with told(problems, name):
        problems.extend(find(*arguments))
    return Checked(name, what, tuple(problems))
