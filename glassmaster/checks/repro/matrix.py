"""The matrix: which variations there are, what each varies, and what shows that it was in effect."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from glassmaster.checks.repro.surroundings import Surroundings

# clean: nothing but downloads. warm: with the store that the plain build left. resumed: killed, and gone on with.
# incremental: the plain build's own directory, after the recipe was edited, built, and edited back.
History = Literal["clean", "warm", "resumed", "incremental"]

HOST = "other-host"
LOCALE, LOCALE_SOURCE, LOCALE_CHARACTERS = "tr_TR.ISO-8859-9", "tr_TR", "ISO-8859-9"
# Fourteen hours and 37 minutes east of Greenwich: no date and no hour is as in UTC.
TIMEZONE = "<+1437>-14:37"
DAYS = 400
JOBS = 4
HASH_SEED = 4242
AGAIN, RELEASE, ALL, PYTHON = "again", "release", "all together", "Python"


@dataclass(frozen=True)
class Variation:
    """A build to compare with the plain one.

    what:  in words, for the table. facts: which of the facts about the surroundings (see facts.py) differ from the
           plain build's if it was in effect.
    quick: whether --quick has it.
    """

    name: str
    what: str
    around: Surroundings = field(default_factory=Surroundings)
    history: History = "clean"
    facts: tuple[str, ...] = ()
    quick: bool = False


def variations(python: str = "", version: str = "") -> tuple[Variation, ...]:
    """All of them, each alone and then all together. python: another interpreter, where there is one, and its version.

    The incremental one is first: it goes on in the directory of the plain build. The warm one takes that one's store.
    """
    alone: tuple[Variation, ...] = (
        Variation("directory", "another path, deeper", Surroundings(deep=True), facts=("directory",)),
        Variation("time zone", f"TZ={TIMEZONE}", Surroundings(timezone=TIMEZONE), facts=("offset",)),
        Variation("locale", f"LC_ALL={LOCALE}", Surroundings(locale=LOCALE), facts=("encoding",)),
        Variation("umask", "077", Surroundings(umask=0o077), facts=("umask",)),
        Variation("HOME", "another one, with files", Surroundings(home="another home"), facts=("home",)),
        Variation("host name", HOST, Surroundings(host=HOST), facts=("host",)),
        Variation("user", "root and not root", Surroundings(other_user=True), facts=("user",)),
        Variation("jobs", f"{JOBS} processes", Surroundings(jobs=JOBS)),
        Variation("hash seed", "PYTHONHASHSEED", Surroundings(hash_seed=HASH_SEED), facts=("hash",)),
        Variation("tmpfs", "work and store on tmpfs", Surroundings(tmpfs=True), facts=("file_system",)),
        Variation("listing", "order of directories", Surroundings(shuffled=True), facts=("listing",)),
        Variation("clock", f"{DAYS} days later", Surroundings(days=DAYS), facts=("days",)),
        Variation("addresses", "address space randomised", Surroundings(random_addresses=True), facts=("personality",)),
        Variation("kernel", "says it is 2.6 on an i686", Surroundings(personality=True), facts=("kernel", "machine")),
    )
    if python:
        alone += (Variation(PYTHON, version, Surroundings(python=python), facts=("python",)),)
    return (
        Variation("incremental", "recipe edited, and back", history="incremental", quick=True),
        Variation("warm store", "with what was derived", history="warm"),
        Variation(AGAIN, "nothing"),
        Variation("resumed", "killed twice on the way", history="resumed", quick=True),
        *alone,
        _together(alone),
    )


def _together(alone: tuple[Variation, ...]) -> Variation:
    """One build in which everything is varied, and which is killed and gone on with."""
    plain, changes = Surroundings(), {}
    for variation in alone:
        for item in dataclasses.fields(Surroundings):
            value = getattr(variation.around, item.name)
            if value != getattr(plain, item.name):
                changes[item.name] = value
    facts = tuple(fact for variation in alone for fact in variation.facts)
    around = dataclasses.replace(plain, **changes)
    return Variation(ALL, "and killed on the way", around, history="resumed", facts=facts, quick=True)
