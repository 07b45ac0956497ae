"""The matrix, run: a plain build, then every variation compared with it; what differs is kept and explained."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import site
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks.repro import rooms, tools
from glassmaster.checks.repro.artefacts import Release, release_below
from glassmaster.checks.repro.building import Built, Doit, arguments, build, middle_and_last
from glassmaster.checks.repro.catalogue import Clues
from glassmaster.checks.repro.explain import SECONDS, difference, with_reports
from glassmaster.checks.repro.isolate import causes_of
from glassmaster.checks.repro.matrix import RELEASE, Variation, variations
from glassmaster.checks.repro.result import Difference, Repro, Row
from glassmaster.checks.repro.rooms import Project
from glassmaster.checks.repro.surroundings import Builder, Inherited, Room, Surroundings, command, environment, prefix
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.store import Store
from glassmaster.run import Command, run

FACTS = Path(__file__).with_name("facts.py")
PLAIN = Variation("plain", "")
PASSED_ON = ("PYTHONPATH", "SOURCE_DATE_EPOCH")
# What a row says came from the store.
DOWNLOADS, DERIVED, TOOLCHAIN = "downloads", "what was derived from them", "toolchain"


@dataclass(frozen=True)
class Wanted:
    """What is to be checked.

    word:  what `recipe=` has to say. built: whether its kernel is made from source.
    quick: only a few variations. toolchain: NetBSD's tools are made again, too.
    """

    project: Project
    word: str
    release_id: str
    built: bool
    quick: bool
    toolchain: bool


class Matrix:
    """A run of the matrix below a directory, which it empties first."""

    def __init__(self, wanted: Wanted, top: Path, store: Store, python: str) -> None:
        self._wanted, self._top, self._store = wanted, top.absolute(), store
        self._builder = Builder(os.geteuid(), os.getegid())
        self._inherited = Inherited(python, _inherited())
        self._plain_facts: dict[str, object] = {}
        self._facts: dict[str, object] = {}
        self._plain: Release | None = None
        self._digests: dict[str, str] = {}
        self._kill_at: tuple[str, ...] = ()

    def run(self, release: Release, tell: Callable[[Row], None], reports: Path) -> Repro:
        """All of it. release: what lies in out/, which must be the same as well. reports: where diffoscope's go.

        tell: called with each row as soon as it is done.
        """
        shutil.rmtree(self._top, ignore_errors=True)
        self._seed()
        other = tools.other_python()
        chosen = variations(*((other.program, other.version) if other else ()))
        if self._wanted.quick:
            chosen = tuple(item for item in chosen if item.quick)
        plain = self._row(PLAIN)
        rows = []
        tell(plain)
        if not plain.failure:
            rows.append(self._released(release))
            tell(rows[-1])
            for variation in chosen:
                rows.append(self._row(variation))
                tell(rows[-1])
        causes = causes_of(rows)
        shutil.rmtree(reports, ignore_errors=True)
        until = time.monotonic() + SECONDS
        rows = [self._reported(row, release, reports, until) if row.name in causes else row for row in rows]
        notes = () if other else ("no other Python 3 was found on PATH, so none was varied",)
        return Repro(
            self._wanted.project.recipe, self._wanted.release_id, self._digests, plain, tuple(rows),
            causes, notes, self._wanted.quick, self._wanted.toolchain,
        )  # fmt: skip

    def _seed(self) -> None:
        """Take one copy of the project, of which all builds get copies: it may be edited meanwhile."""
        seed = self._top / "seed"
        rooms.copy_project(self._wanted.project.top, seed, umask=Surroundings.umask, later=0)
        self._wanted = dataclasses.replace(self._wanted, project=dataclasses.replace(self._wanted.project, top=seed))

    def clear(self) -> None:
        """Remove all that was built; what there is to say of it is in the result."""
        shutil.rmtree(self._top, ignore_errors=True)

    def _row(self, variation: Variation) -> Row:
        """Build a variation and compare it; whatever keeps it from being built is its failure."""
        begin = time.monotonic()
        row = Row(variation.name, variation.what, False, 0.0, False, (), "", (), self._from_store(variation))
        try:
            with rooms.real_place(variation.around, self._top / "run") as real:
                room = rooms.room_for(variation.around, self._top / "run", real, self._top / "tools")
                self._prepare(variation, room)
                self._require_effect(variation, room)
                built = self._build(variation, room)
                steps = dict.fromkeys(task.partition(":")[0] for task in built.tasks)
                row = dataclasses.replace(row, rebuilt=tuple(step for step in steps if step not in row.from_store))
                if built.failure:
                    raise GlassmasterError("it could not be built", why=built.failure)
                row = self._compared(variation, room, row, begin)
        except (GlassmasterError, OSError) as error:
            row = dataclasses.replace(row, failure=str(error), seconds=time.monotonic() - begin)
        return dataclasses.replace(row, seconds=round(row.seconds, 3))

    def _prepare(self, variation: Variation, room: Room) -> None:
        around, project = variation.around, self._wanted.project
        if variation.history == "incremental":
            return  # the plain build's own room
        store = rooms.outside(room, room.store)
        rooms.empty(room, but=[store] if variation.history == "warm" else [])
        rooms.furnish(room, around, project)
        if variation.history != "warm":
            rooms.stock(room, project, self._store, toolchain=not self._wanted.toolchain)
        if around.locale != Surroundings.locale:
            tools.make_locale(room.locales)
        if around.shuffled or around.days:
            tools.make_etc(around, room.etc)
        rooms.hand_over(room, around, self._builder)

    def _require_effect(self, variation: Variation, room: Room) -> None:
        """The surroundings are what they should be, or it is an error: what varies nothing shows nothing."""
        try:
            around = variation.around
            run(Command((*prefix(around, room, self._builder), "true"), environment(around, room, self._inherited)))
        except GlassmasterError as error:
            raise GlassmasterError("these surroundings cannot be had here", why=str(error)) from error
        # A directory of the host's: its order is the same, wherever the build works.
        self._facts = found = self._found(variation.around, room, sysconfig.get_path("stdlib"))
        if variation is PLAIN:
            self._plain_facts = found
        same = [name for name in variation.facts if found[name] == self._plain_facts[name]]
        if same:
            raise GlassmasterError(
                "these surroundings did not take effect",
                why="\n".join(f"{name} is {found[name]!r:.100}, as for the plain build" for name in same),
            )

    def _found(self, around: Surroundings, room: Room, listed: str) -> dict[str, object]:
        facts: dict[str, object] = json.loads(
            run(command(around, room, self._builder, self._inherited, [str(FACTS), repr(time.time()), listed]))
        )
        return facts

    def _build(self, variation: Variation, room: Room) -> Built:
        wanted, around = self._wanted, variation.around
        inherited = self._inherited
        if around.python:
            inherited = dataclasses.replace(inherited, variables=_with_our_packages(inherited.variables))
        started = command(
            around, room, self._builder, inherited, arguments(wanted.project.recipe, wanted.word, around.jobs)
        )
        doit = Doit(started, rooms.outside(room, room.clone), self._top / "logs" / f"{variation.name}.log")
        built = build(
            doit, variation.history, wanted.project, self._kill_at,
            forget=lambda: rooms.forget_kernels(room, wanted.project.recipe),
        )  # fmt: skip
        if variation is PLAIN and built.tasks:
            self._kill_at = middle_and_last(built.tasks)
        return built

    def _compared(self, variation: Variation, room: Room, row: Row, begin: float) -> Row:
        project = self._wanted.project
        made = release_below(rooms.outside(room, room.clone), project.recipe, project.lock)
        digests = made.digests()
        seconds = time.monotonic() - begin
        row = dataclasses.replace(row, ran=True, seconds=seconds)
        if variation is PLAIN:
            self._plain, self._digests = self._keep(variation.name, made), digests
            return dataclasses.replace(row, identical=True)
        if digests == self._digests:
            return dataclasses.replace(row, identical=True)
        return dataclasses.replace(row, differing=self._explained(variation, self._keep(variation.name, made), digests))

    def _released(self, release: Release) -> Row:
        """What lies in out/, compared with the plain build."""
        found = {name: digest for name, digest in release.digests().items() if name in self._digests}
        same = found == self._digests
        variation = Variation(RELEASE, "as it lies in out/")
        differing = () if same else self._explained(variation, release, found)
        return Row(RELEASE, variation.what, True, 0.0, same, differing, "", (), ())

    def _explained(self, variation: Variation, other: Release, digests: Mapping[str, str]) -> tuple[Difference, ...]:
        assert self._plain is not None
        names = sorted(name for name in {*self._digests, *digests} if self._digests.get(name) != digests.get(name))
        clues = Clues(self._plain_facts, self._facts if variation.name != RELEASE else {}, time.time())
        return tuple(
            difference(variation.name, name, digests.get(name, ""), self._plain, other, clues) for name in names
        )

    def _reported(self, row: Row, release: Release, reports: Path, until: float) -> Row:
        """The differences of a row that is a cause, with what diffoscope says of them."""
        assert self._plain is not None
        other = release if row.name == RELEASE else self._kept(row.name, release.lock.name)
        return dataclasses.replace(row, differing=with_reports(row, self._plain, other, reports, until))

    def _kept(self, name: str, lock: str) -> Release:
        folder = self._top / "kept" / name
        return Release(folder / "out", folder / "grub", folder / lock)

    def _keep(self, name: str, release: Release) -> Release:
        """Copy a release to where the next build does not remove it."""
        kept = self._kept(name, release.lock.name)
        shutil.copytree(release.out, kept.out)
        shutil.copytree(release.grub, kept.grub)
        shutil.copyfile(release.lock, kept.lock)
        return kept

    def _from_store(self, variation: Variation) -> tuple[str, ...]:
        derived = [DERIVED] if variation.history in ("warm", "incremental") else []
        linked = [TOOLCHAIN] if self._wanted.built and not self._wanted.toolchain and not derived else []
        return (DOWNLOADS, *derived, *linked)


def _inherited() -> dict[str, str]:
    """What finds packages and sets the epoch; packages of the user's own too, which are below another HOME."""
    found = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    own = site.getusersitepackages()
    if own in sys.path:
        found["PYTHONPATH"] = os.pathsep.join(filter(None, [found.get("PYTHONPATH", ""), own]))
    return found


def _with_our_packages(variables: Mapping[str, str]) -> dict[str, str]:
    """The packages of the Python that runs this, for another one: those with compiled parts do without them."""
    ours = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    given = [variables["PYTHONPATH"]] if "PYTHONPATH" in variables else []
    return {**variables, "PYTHONPATH": os.pathsep.join([*given, *ours])}
