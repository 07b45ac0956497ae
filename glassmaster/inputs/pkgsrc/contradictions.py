"""What cannot be, and how it came to that: the errors of resolving, each with its chain."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc import patterns
from glassmaster.inputs.pkgsrc.choice import Chosen, Reason, Resolution, Wanted, chain, root
from glassmaster.inputs.pkgsrc.names import Names
from glassmaster.inputs.pkgsrc.package import Package
from glassmaster.inputs.pkgsrc.platform import Platform
from glassmaster.inputs.pkgsrc.summary import Summary

Reasons = Mapping[str, Sequence[Reason]]
SHOWN = 8


def no_match(reasons: Reasons, reason: Reason, summary: Summary) -> GlassmasterError:
    """Nothing in the repository matches."""
    base = patterns.base_of_pattern(reason.pattern)
    return GlassmasterError(
        f"{root(reasons, reason).where}: no package matches {reason.pattern}",
        why=f"{_led_to(reasons, reason)}\nlooked for in {summary.what}, which has {len(summary):,} packages",
        hint=_suggestion(summary, base),
    )


def _suggestion(summary: Summary, base: str) -> str:
    if versions := summary.names.versions(base):
        return f"there is {_some(versions)}"
    if successors := summary.superseding(base):
        return f"{_some(successors)} took the place of {base}"
    close = difflib.get_close_matches(base, summary.names.bases(), n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close else ""


def goes_round(reasons: Reasons, reason: Reason, name: str) -> GlassmasterError:
    """A package needs itself, by way of others."""
    return GlassmasterError(
        f"{root(reasons, reason).where}: {name} needs itself",
        why=_led_to(reasons, reason, name), hint="such packages cannot be installed: the repository is at fault",
    )  # fmt: skip


def wrong_platform(reasons: Reasons, reason: Reason, package: Package, platform: Platform) -> GlassmasterError:
    """A package is for another system, processor or major version."""
    theirs = Platform(package.opsys, package.os_version, package.machine_arch)
    return GlassmasterError(
        f"{root(reasons, reason).where}: {package.name} is for {theirs}; the release is {platform}",
        why=_led_to(reasons, reason, package.name), hint="name the repository of this release's own packages",
    )  # fmt: skip


def two_versions(reasons: Reasons, reason: Reason, name: str, other: str) -> GlassmasterError:
    """Two versions of one package would be in the image."""
    return GlassmasterError(
        f"{root(reasons, reason).where}: {name} and {other} cannot both be in one image",
        why=f"{_led_to(reasons, reason, name)}\n{arrows(chain(reasons, other))}",
        hint="a pattern of a pkgset that fits both can be put before the others",
    )


def check_pairs(resolution: Resolution) -> None:
    """Raise GlassmasterError where one chosen package says that it cannot be beside another one."""
    names = Names(item.package.name for item in resolution.chosen)
    for item in resolution.chosen:
        name = item.package.name
        said = [(pattern, "conflicts with") for pattern in item.package.conflicts]
        said += [(pattern, "takes the place of") for pattern in item.package.supersedes]
        for pattern, words in said:
            for other in names.matching(pattern):
                if other != name:
                    raise _together(resolution, name, other, f"{name} {words} {pattern}")


def _together(resolution: Resolution, name: str, other: str, said: str) -> GlassmasterError:
    reasons = {item.package.name: item.reasons for item in resolution.chosen}
    return GlassmasterError(
        f"{root(reasons, reasons[name][0]).where}: {name} and {other} cannot both be in one image",
        why=f"{said}\n{arrows(chain(reasons, name))}\n{arrows(chain(reasons, other))}",
        hint="take one of them out of the pkgsets",
    )


@dataclass(frozen=True)
class MissingLibrary:
    """A shared library (absolute path) that a package's programs need and that is nowhere on the image."""

    library: str
    chosen: Chosen


def missing_libraries(resolution: Resolution, present: Iterable[Container[str]]) -> Iterator[MissingLibrary]:
    """The libraries of REQUIRES that neither the chosen packages say they provide nor anything of `present` holds.

    present: absolute paths, of the release's sets, and of what packages really contain once their files are here.
    """
    provided = {library for item in resolution.chosen for library in item.package.provides}
    everything = (provided, *present)
    for item in resolution.chosen:
        for library in item.package.requires:
            if not any(library in some for some in everything):
                yield MissingLibrary(library, item)


def check_libraries(resolution: Resolution, summary: Summary, present: Iterable[Container[str]]) -> None:
    """Raise GlassmasterError if a library is missing, with who needs it and who would provide it."""
    missing = list(missing_libraries(resolution, present))
    if not missing:
        return
    first = missing[0]
    reasons = {item.package.name: item.reasons for item in resolution.chosen}
    name = first.chosen.package.name
    why = [arrows((*chain(reasons, name)[:-1], f"{name} needs {first.library}"))]
    why += [f"{item.chosen.package.name} needs {item.library}" for item in missing[1:SHOWN]]
    why += [f"and {len(missing) - SHOWN} more"] if len(missing) > SHOWN else []
    providers = summary.providing(first.library)
    raise GlassmasterError(
        f"{root(reasons, reasons[name][0]).where}: {first.library}, which {name} needs, is not on the image",
        why="\n".join(why),
        hint=f"{_some(providers)} provides it" if providers else "does the recipe leave out a set that holds it?",
    )


def arrows(steps: Iterable[str]) -> str:
    """The steps of a chain as one line."""
    return " → ".join(steps)


def _led_to(reasons: Reasons, reason: Reason, *end: str) -> str:
    """The chain that ends with this reason, which is not yet among the others."""
    before = () if isinstance(reason, Wanted) else chain(reasons, reason.dependent)[:-1]
    return arrows((*before, str(reason), *end))


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[-SHOWN:]) + (f" (and {more} more)" if more > 0 else "")
