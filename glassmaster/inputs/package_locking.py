"""Which packages of pkgsrc an image gets, as repositories are now: rows for the lock.

Functions take the `packages` section that belongs to an image, whichever image that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import Images, LockedInput, LockedPackage
from glassmaster.inputs.mirror import first, take
from glassmaster.inputs.pkgsrc.choice import Chosen, Need, Resolution, Wanted
from glassmaster.inputs.pkgsrc.contradictions import check_libraries
from glassmaster.inputs.pkgsrc.package import Package
from glassmaster.inputs.pkgsrc.pkgsets import wanted_by
from glassmaster.inputs.pkgsrc.platform import Platform
from glassmaster.inputs.pkgsrc.repository import Repository, is_moving, read_repository
from glassmaster.inputs.pkgsrc.resolve import resolve
from glassmaster.inputs.source import opened
from glassmaster.inputs.standin.package_repository import repository_path
from glassmaster.inputs.store import Store, Stored
from glassmaster.places import Places
from glassmaster.recipe.model import Release
from glassmaster.recipe.packages import Packages

AT_ONCE = 8
LISTED, DIGESTED = "first-use", "first-use, downloaded and digested"
# Where the sets have shared libraries. Whether they have the very one that is asked for is seen when they are here.
SETS_LIBRARIES = ("/lib/", "/libexec/", "/usr/lib/", "/usr/libexec/", "/usr/X11R6/lib/", "/usr/X11R7/lib/")


@dataclass(frozen=True)
class LockedPackages:
    """The packages of an image and their files. notes: what a person should know, a line each."""

    chosen: tuple[LockedPackage, ...]
    inputs: tuple[LockedInput, ...]
    notes: tuple[str, ...] = ()


def lock_packages(
    packages: Packages, urls: Sequence[str], platform: Platform, store: Store, *, trust: str = ""
) -> LockedPackages:
    """Choose an image's packages and find out their files' digests. urls: the recipe's, or the stand-in's own.

    trust: why the repository's digests are believed, where it is not by first use. Files that the repository has no
    digests of are downloaded. Raises GlassmasterError for whatever the repository lacks or contradicts itself in.
    """
    for url in urls:
        if is_moving(url) and not packages.moving:
            raise GlassmasterError(
                f"packages.repository: {url}: leads to other packages every few months",
                why="what a lock names could not be had from there for long",
                hint="name what it leads to now, such as …/10.0_2026Q2; or say `moving: yes`, and lock again and again",
            )
    repository = read_repository(urls)
    resolution = resolve(wanted_by(packages.sets), repository.summary, platform)
    check_libraries(resolution, repository.summary, [_OfTheSets()])
    digests = repository.digests()

    def one(chosen: Chosen) -> LockedInput:
        return _input(chosen.package, repository, digests, store, trust)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        inputs = tuple(pool.map(one, resolution.chosen))
    return LockedPackages(_rows(resolution), inputs, _notes(resolution, platform))


def lock_images(
    images: Mapping[str, Packages], own: str, platform: Platform, store: Store, *, trust: str = ""
) -> tuple[Images, tuple[LockedInput, ...], tuple[str, ...]]:
    """The packages of several images, all their files, each once, and notes. own: the stand-in's repository.

    Two images may have packages of one repository or of several; but files of one name must be the same file.
    """
    chosen, inputs, notes = {}, dict[str, LockedInput](), dict[str, None]()
    for image, packages in images.items():
        locked = lock_packages(packages, packages.repository or (own,), platform, store, trust=trust)
        chosen[image] = locked.chosen
        notes |= dict.fromkeys(locked.notes)
        for item in locked.inputs:
            other = inputs.setdefault(item.name, item)
            if other.sha512 != item.sha512:
                raise GlassmasterError(
                    f"{item.name}: two repositories have other files of this name",
                    why=f"{other.urls[0]}\n{item.urls[0]}", hint="take all packages of a recipe from one repository",
                )  # fmt: skip
    return chosen, tuple(inputs.values()), tuple(notes)


class _OfTheSets:
    """Takes a shared library for there if sets have such ones at its place."""

    def __contains__(self, library: object) -> bool:
        return str(library).startswith(SETS_LIBRARIES)


def standin_repository(recipe: str, release: Release) -> str:
    """The URL of the stand-in's repository: a path seen from where doit runs, like that of the stand-in's mirror."""
    return f"file:{Places(recipe).mirror}/{repository_path(release.machine, release.version)}"


def input_name(package: Package) -> str:
    """What the lock calls a package's file."""
    return f"packages/{package.file_name}"


def _rows(resolution: Resolution) -> tuple[LockedPackage, ...]:
    chosen_for = {reason: item.package.name for item in resolution.chosen for reason in item.reasons}
    rows = []
    for item in resolution.chosen:
        package = item.package
        rows.append(LockedPackage(
            package.name, input_name(package), package.size,
            tuple(f"{reason.pkgset} {reason.pattern}" for reason in item.reasons if isinstance(reason, Wanted)),
            {pattern: chosen_for[Need(pattern, package.name)] for pattern in package.depends}, package.build_date,
        ))  # fmt: skip
    return tuple(rows)


def _input(package: Package, repository: Repository, digests: dict[str, str], store: Store, trust: str) -> LockedInput:
    file, urls = package.file_name, repository.file_urls(package.file_name)
    sha512, size = digests.get(file), package.file_size
    said = _said_sha512(package)
    if sha512 is None:
        stored = _downloaded(urls, store, file)
        sha512 = stored.sha512
        if size not in (None, stored.size):
            raise GlassmasterError(
                f"{package.where}: {file} has another size", why=f"said are {size:,} bytes, {stored.size:,} came"
            )
        size, trust = stored.size, trust or DIGESTED
    if said is not None and said != sha512:
        other = "its list" if file in digests else "the file"
        raise GlassmasterError(
            f"{package.where}: {file}: the repository does not agree with itself",
            why=f"its summary says SHA-512 {said[:16]}…, {other} {sha512[:16]}…",
            hint="it may be changing at this moment: try again later, or another mirror",
        )
    if size is None:
        if sha512 not in store:
            take(urls, sha512, store, file)
        size = store.path(sha512).stat().st_size
    return LockedInput(input_name(package), "package", urls, size, sha512, trust or LISTED)


def _said_sha512(package: Package) -> str | None:
    kind, digits = package.file_digest or ("", "")
    return digits if kind.upper() == "SHA512" else None


def _downloaded(urls: Sequence[str], store: Store, file: str) -> Stored:
    def one(url: str) -> Stored:
        with opened(url) as body:
            return store.add(body.pieces, what=url)

    return first(urls, one, file)[1]


def _notes(resolution: Resolution, platform: Platform) -> tuple[str, ...]:
    versions = ", ".join(resolution.warned)
    return (
        (f"packages built for NetBSD {versions}; pkg_add on {platform.version} would warn of that",) if versions else ()
    )
