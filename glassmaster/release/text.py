"""What a verification found, for a terminal."""

from __future__ import annotations

import textwrap

from glassmaster.places import STANDIN_NOTICE
from glassmaster.release.results import Checked, Verified

PROBLEMS_SHOWN = 8
COLUMNS = 80


def as_text(result: Verified) -> str:
    """A line for each check, its problems below it, and the whole in one line."""
    width = max(len(check.name) for check in result.checks)
    lines = [line for check in result.checks for line in _lines(check, width)]
    facts = result.facts
    what = f"recipe {facts.get('recipe', '?')}, release {facts.get('release_id', '?')}"
    skipped = [check.name for check in result.checks if check.skipped]
    count = len(result.problems)
    if count:
        verdict = f"{count} {'problem' if count == 1 else 'problems'}: do not use it"
    elif skipped:
        verdict = f"no problems; not checked: {', '.join(skipped)}"
    else:
        verdict = f"all {len(result.checks)} checks are good"
    notice = [STANDIN_NOTICE] if facts.get("standin") else []
    return "\n".join([*lines, "", f"{result.where}: {what}", verdict, *notice])


def _lines(check: Checked, width: int) -> list[str]:
    state = "BAD" if check.problems else "not checked" if check.skipped else "ok"
    more = len(check.problems) - PROBLEMS_SHOWN
    shown = [*check.problems[:PROBLEMS_SHOWN], *([f"and {more} more"] if more > 0 else []), check.skipped]
    aside = " " * (width + 2 + len("not checked") + 2)
    first = f"{check.name:<{width}}  {state:<11}  "
    lines = textwrap.wrap(check.what, COLUMNS, initial_indent=first, subsequent_indent=aside)
    for line in filter(None, shown):
        # Names are not broken: they are there to be copied.
        lines += textwrap.wrap(
            line, COLUMNS, initial_indent=aside, subsequent_indent=f"{aside}  ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
    return lines
