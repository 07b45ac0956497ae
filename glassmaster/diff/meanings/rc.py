"""What starts at boot: scripts of rc.d that start or stop, by being there and by rc.conf, or whose turn moves."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glassmaster.config.rcconf import Assignment, parse_rc_conf
from glassmaster.diff.facts import Facts
from glassmaster.diff.model import Item, Section, State
from glassmaster.diff.pair import RC_D, Pair, rc_confs, starting
from glassmaster.diff.rcorder import rcorder
from glassmaster.inputs.pkgsrc.services import read_service

_YES = ("yes", "true", "on", "1")


@dataclass(frozen=True)
class Boot:
    """What one side starts, in order. switches: of each script its variable of rc.conf, "" where it has none.

    values: of all variables, the last assignment; None for one that depends on others.
    """

    order: tuple[str, ...]
    switches: Mapping[str, str]
    values: Mapping[str, str | None]
    problems: tuple[str, ...]

    @property
    def started(self) -> tuple[str, ...]:
        """The scripts that do something: without a variable, or with one that says so, or that nobody can tell."""
        return tuple(name for name in self.order if self.is_on(name))

    def is_on(self, name: str) -> bool:
        """Whether a script is switched on."""
        switch = self.switches.get(name, "")
        value = self.values.get(switch, "NO") if switch else "YES"
        return value is None or value.lower() in _YES

    def why(self, name: str) -> str:
        """What switches a script on or off, in words."""
        if name not in self.order:
            return "not there"
        switch = self.switches.get(name, "")
        return f"{switch}={self.values.get(switch, 'not set')}" if switch else "always"

    def place(self, name: str) -> str:
        """Its turn, in words."""
        number = self.started.index(name)
        return f"after {self.started[number - 1]}" if number else "first"


def boot_of(states: Mapping[str, State], facts: Facts) -> Boot:
    """What a side starts."""
    texts = {path.removeprefix(RC_D): facts.text(path) for path in states if path.startswith(RC_D)}
    scripts = {name: text for name, text in texts.items() if text is not None and "/" not in name}
    order = rcorder(scripts)
    values: dict[str, str | None] = {}
    for path in rc_confs(states):
        said = (item for item in parse_rc_conf(facts.text(path) or "") if isinstance(item, Assignment))
        values.update({item.name: item.value for item in said})
    return Boot(order.scripts, {name: switch_of(text) for name, text in scripts.items()}, values, order.problems)


def switch_of(text: str) -> str:
    """The variable of rc.conf(5) that switches a script on; "" where it has none (rc.subr(8))."""
    return read_service("", text).variable


def rc(pair: Pair) -> Section:
    """The section."""
    if not any(starting(change) for change in pair.changes):
        return Section("rc")
    if pair.no_bytes:
        return Section("rc", (), (f"scripts or rc.conf differ; what starts is not known: {pair.no_bytes}",))
    old, new = boot_of(pair.old, pair.old_facts), boot_of(pair.new, pair.new_facts)
    remarks = tuple(f"rcorder: {problem}" for problem in new.problems if problem not in old.problems)
    return Section("rc", tuple(_items(old, new)), remarks)


def _items(old: Boot, new: Boot) -> Iterator[Item]:
    before, after = old.started, new.started
    for name in after:
        if name not in before:
            yield Item(name, "starts", old.why(name), f"{new.why(name)}, {new.place(name)}", paths=(RC_D + name,))
    for name in before:
        if name not in after:
            yield Item(name, "stops", f"{old.why(name)}, {old.place(name)}", new.why(name), paths=(RC_D + name,))
    for name in moved(before, after):
        yield Item(name, "moved", old.place(name), new.place(name), paths=(RC_D + name,))


def moved(before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    """The fewest names that must move for the common ones to be in the new order."""
    old, new = [name for name in before if name in after], [name for name in after if name in before]
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    stay = {old[block.a + number] for block in blocks for number in range(block.size)}
    return [name for name in new if name not in stay]
