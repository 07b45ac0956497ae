"""What was chosen for an image, and why: data only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glassmaster.inputs.pkgsrc.package import Package


@dataclass(frozen=True)
class Wanted:
    """A pattern that somebody wrote down. where: ``file:line``; pkgset: its name; reason: in that person's words."""

    pattern: str
    where: str
    pkgset: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.pkgset or 'the recipe'} wants {self.pattern} ({self.where})"


@dataclass(frozen=True)
class Need:
    """A dependency of a chosen package. dependent: its name."""

    pattern: str
    dependent: str

    def __str__(self) -> str:
        return f"{self.dependent} needs {self.pattern}"


Reason = Wanted | Need


@dataclass(frozen=True)
class Chosen:
    """A package, and all the reasons for it, the first first."""

    package: Package
    reasons: tuple[Reason, ...]

    @property
    def automatic(self) -> bool:
        """Whether it is there only because others need it (pkg_add's `automatic=yes`)."""
        return not any(isinstance(reason, Wanted) for reason in self.reasons)


@dataclass(frozen=True)
class Branch:
    """One line of the tree of packages. depth: 0 for what is wanted; again: its own branches were shown before."""

    depth: int
    chosen: Chosen
    reason: Reason
    again: bool


@dataclass(frozen=True)
class Resolution:
    """What an image gets, in the order in which it is to be installed.

    warned: versions of NetBSD that packages were built for and that pkg_add(1) on this release would warn of.
    """

    chosen: tuple[Chosen, ...]
    warned: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Chosen:
        return next(item for item in self.chosen if item.package.name == name)

    def why(self, name: str) -> tuple[str, ...]:
        """How a package came to be chosen, step by step, from what somebody wrote down to its name."""
        return chain({item.package.name: item.reasons for item in self.chosen}, name)

    def required_by(self) -> dict[str, tuple[str, ...]]:
        """For each package the packages that need it, in the order of installation (pkg_add's +REQUIRED_BY)."""
        position = {item.package.name: at for at, item in enumerate(self.chosen)}
        return {
            item.package.name: tuple(
                sorted({r.dependent for r in item.reasons if isinstance(r, Need)}, key=position.__getitem__)
            )
            for item in self.chosen
        }

    def tree(self) -> Iterator[Branch]:
        """What is wanted, each with what it needs below it."""
        by_reason = {reason: item for item in self.chosen for reason in item.reasons}
        roots = sorted(
            (reason for reason in by_reason if isinstance(reason, Wanted)),
            key=lambda wanted: (wanted.pkgset, wanted.pattern, wanted.where),
        )
        shown: set[str] = set()
        # Not by recursion: a hostile repository can make chains as long as it likes.
        todo: list[tuple[int, Reason]] = [(0, root) for root in reversed(roots)]
        while todo:
            depth, reason = todo.pop()
            item = by_reason[reason]
            name = item.package.name
            needs = [Need(pattern, name) for pattern in item.package.depends]
            yield Branch(depth, item, reason, again=name in shown and bool(needs))
            if name not in shown:
                todo += [(depth + 1, need) for need in reversed(needs)]
            shown.add(name)


def chain(reasons: Mapping[str, Sequence[Reason]], name: str) -> tuple[str, ...]:
    """The first reason for a package, the first one for the package that needs it, and so on; outermost first."""
    steps = [name]
    while True:
        reason = reasons[name][0]
        steps.append(str(reason))
        if isinstance(reason, Wanted):
            return tuple(reversed(steps))
        name = reason.dependent


def root(reasons: Mapping[str, Sequence[Reason]], reason: Reason) -> Wanted:
    """What somebody wrote down that led to this."""
    while isinstance(reason, Need):
        reason = reasons[reason.dependent][0]
    return reason
