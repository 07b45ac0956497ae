"""Which packages an image gets: those that are wanted, and all that they need.

Chosen as pkg_add(1) would, one wanted pattern after the other: what is chosen already is taken where it matches, else
the best match of the repository. Dependencies come before what needs them.
"""

from __future__ import annotations

from collections.abc import Iterable

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc import contradictions, patterns
from glassmaster.inputs.pkgsrc.choice import Chosen, Need, Reason, Resolution, Wanted
from glassmaster.inputs.pkgsrc.names import Names
from glassmaster.inputs.pkgsrc.platform import Platform
from glassmaster.inputs.pkgsrc.summary import Summary


def resolve(wanted: Iterable[Wanted], summary: Summary, platform: Platform) -> Resolution:
    """Choose the packages; a contradiction raises GlassmasterError with the chain that led to it.

    The result depends on the order of what is wanted, as with pkg_add, and on nothing else.
    """
    choosing = _Choosing(summary, platform)
    for item in wanted:
        choosing.want(item)
    resolution = choosing.resolution()
    contradictions.check_pairs(resolution)
    return resolution


class _Choosing:
    """What has been chosen so far."""

    def __init__(self, summary: Summary, platform: Platform) -> None:
        self._summary = summary
        self._platform = platform
        self._reasons: dict[str, list[Reason]] = {}
        # Those whose dependencies are all there, in that order: what pkg_add would have installed by now.
        self._complete: dict[str, None] = {}
        self._installed = Names()
        self._begun: dict[str, str] = {}

    def want(self, wanted: Wanted) -> None:
        """Choose what matches, and all that it needs."""
        try:
            patterns.check(wanted.pattern)
        except GlassmasterError as error:
            raise GlassmasterError(f"{wanted.where}: {error.what}", why=error.why) from error
        # What is being chosen, each with its dependencies that are still to be looked at, the next one last.
        path: list[tuple[str, list[str]]] = []
        self._take(wanted, path)
        while path:
            name, needs = path[-1]
            if needs:
                self._take(Need(needs.pop(), name), path)
            else:
                path.pop()
                self._complete[name] = None
                self._installed.add(name)

    def _take(self, reason: Reason, path: list[tuple[str, list[str]]]) -> None:
        name = self._installed.best(reason.pattern)
        if name is not None:
            self._reasons[name].append(reason)
            return
        name = self._summary.names.best(reason.pattern)
        if name is None:
            raise contradictions.no_match(self._reasons, reason, self._summary)
        if name in self._reasons:
            raise contradictions.goes_round(self._reasons, reason, name)
        package = self._summary.package(name)
        if not self._platform.accepts(package):
            raise contradictions.wrong_platform(self._reasons, reason, package, self._platform)
        other = self._begun.setdefault(package.base, name)
        if other != name:
            raise contradictions.two_versions(self._reasons, reason, name, other)
        self._reasons[name] = [reason]
        path.append((name, list(reversed(package.depends))))

    def resolution(self) -> Resolution:
        """What was chosen."""
        chosen = tuple(Chosen(self._summary.package(name), tuple(self._reasons[name])) for name in self._complete)
        warned = {item.package.os_version for item in chosen if self._platform.warns_of(item.package)}
        return Resolution(chosen, tuple(sorted(warned)))
