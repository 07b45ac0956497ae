"""What surrounds a build and must not show in what it makes, and the command that runs a build in it.

Everything is held still but what is varied: the plain build runs without address space randomisation, with one hash
seed, in one directory, so that a difference can only come from what another build has otherwise.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glassmaster.run import Command

# Who builds when root is not to: nobody, on Debian. It may read what the builder may, and write only what it owns.
NOBODY = 65534
DAY = 86400
CAPABILITIES = "-all,+dac_read_search"


@dataclass(frozen=True)
class Surroundings:
    """One value for each thing that surrounds a build; the defaults are those of the plain build.

    deep:         its directories are called otherwise and lie deeper.
    timezone:     TZ, in POSIX's own form, which needs no tables. locale: LC_ALL.
    umask:        also of the files that are there before the build. home: the name of HOME's directory.
    host:         the machine's name, "" for its own. other_user: nobody for root, (apparent) root for others.
    jobs:         doit's processes. hash_seed: PYTHONHASHSEED.
    tmpfs:        where it works, and its store, are on tmpfs. shuffled: directories are listed in another order.
    days:         how much later the clock is. random_addresses: address space randomisation.
    personality:  the kernel calls itself older, and the machine i686.
    python:       another interpreter.
    """

    deep: bool = False
    timezone: str = "UTC"
    locale: str = "C.UTF-8"
    umask: int = 0o022
    home: str = "home"
    host: str = ""
    other_user: bool = False
    jobs: int = 1
    hash_seed: int = 0
    tmpfs: bool = False
    shuffled: bool = False
    days: int = 0
    random_addresses: bool = False
    personality: bool = False
    python: str = ""


@dataclass(frozen=True)
class Builder:
    """Who runs the matrix: numbers of user and group."""

    uid: int
    gid: int

    @property
    def is_root(self) -> bool:
        """Whether it may do all."""
        return self.uid == 0


@dataclass(frozen=True)
class Room:
    """Where a build works. Whatever is not needed may be missing.

    run:   the directory of all that follows; real: where its files are, when that is elsewhere (on tmpfs).
    clone, store, home, temporary: below it. etc: a directory whose files lie over /etc. locales: LOCPATH.
    """

    run: Path
    real: Path
    clone: Path
    store: Path
    home: Path
    temporary: Path
    etc: Path
    locales: Path


@dataclass(frozen=True)
class Inherited:
    """What a build takes over from the one that started the matrix: the interpreter, and variables by name."""

    python: str
    variables: Mapping[str, str] = field(default_factory=dict)


def command(
    around: Surroundings, room: Room, builder: Builder, inherited: Inherited, arguments: Sequence[str]
) -> Command:
    """The interpreter with these arguments, in these surroundings and in the room's clone."""
    python = around.python or inherited.python
    argv = (*prefix(around, room, builder), python, *arguments)
    return Command(argv, environment(around, room, inherited))


def prefix(around: Surroundings, room: Room, builder: Builder) -> tuple[str, ...]:
    """What stands before the program: each part sets up one thing and executes the rest."""
    return (
        *_namespaces(around, room, builder),
        *_user(around, builder, inside=bool(_flags(around))),
        *_kernel(around),
        "sh", "-c", f'umask {around.umask:04o} && cd "$0" && exec "$@"', str(room.clone),
    )  # fmt: skip


def environment(around: Surroundings, room: Room, inherited: Inherited) -> dict[str, str]:
    """The variables of a build, beside those that every program of ours gets."""
    return {
        **inherited.variables,
        "HOME": str(room.home), "TMPDIR": str(room.temporary), "GLASSMASTER_STORE": str(room.store),
        "TZ": around.timezone, "LC_ALL": around.locale, "LANG": around.locale, "LOCPATH": str(room.locales),
        "PYTHONHASHSEED": str(around.hash_seed), "PYTHONNOUSERSITE": "1",
    }  # fmt: skip


def _flags(around: Surroundings) -> list[str]:
    """The name spaces that are needed."""
    mount = around.tmpfs or around.shuffled or around.days
    return [*(["--mount"] if mount else []), *(["--uts"] if around.host else [])]


def _namespaces(around: Surroundings, room: Room, builder: Builder) -> list[str]:
    """unshare(1) and what is done in the new name spaces by their root; nothing of it is seen outside."""
    flags = _flags(around)
    if not flags:
        return []
    setup = []
    if around.host:
        setup.append(["hostname", around.host])
    if around.tmpfs:
        setup.append(["mount", "--bind", str(room.real), str(room.run)])
    if around.shuffled or around.days:
        # Over /etc lies a directory with ld.so.preload: libraries for all programs, whatever their environment.
        setup.append(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={_escaped(room.etc)}:/etc", "/etc"])
    script = " && ".join(map(shlex.join, setup)) + ' && exec "$@"'
    become_root = [] if builder.is_root else ["--map-root-user"]
    return ["unshare", *become_root, *flags, "sh", "-c", script, "sh"]


def _escaped(path: Path) -> str:
    """A path among mount's options, where comma and colon mean something."""
    return "".join(f"\\{character}" if character in "\\,:" else character for character in str(path))


def _user(around: Surroundings, builder: Builder, *, inside: bool) -> list[str]:
    """From whoever runs this to who is to build. inside: in a name space, others than root are its root by now."""
    if builder.is_root:
        if not around.other_user:
            return []
        return [
            "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--inh-caps={CAPABILITIES}",
            f"--ambient-caps={CAPABILITIES}",
        ]  # fmt: skip
    if around.other_user:
        return [] if inside else ["unshare", "--map-root-user"]
    return ["unshare", "--user", f"--map-user={builder.uid}", f"--map-group={builder.gid}"] if inside else []


def _kernel(around: Surroundings) -> list[str]:
    """setarch(8), unless it would do nothing."""
    machine = ["linux32", "--uname-2.6"] if around.personality else []
    fixed = [] if around.random_addresses else ["--addr-no-randomize"]
    return ["setarch", *machine, *fixed] if machine or fixed else []
