"""Answering what a recipe wants: looks at mirrors and at Debian, which change, and says exactly which files it is now.

Nothing else in glassmaster looks at anything mutable.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.boot_packages import debian_packages
from glassmaster.inputs.debian import DebianPackage, fetch_packages
from glassmaster.inputs.kernel.wanted import wanted_source_sets
from glassmaster.inputs.lock import Lock, LockedInput
from glassmaster.inputs.mirror import ReleaseMirror, set_file, take
from glassmaster.inputs.signed import SignedDigests, verified
from glassmaster.inputs.store import Store
from glassmaster.inputs.wants import kernel_file, sets_folder, wants
from glassmaster.recipe.model import Kernel, Recipe
from glassmaster.recipe.parts import all_kernels, all_sets

AT_ONCE = 8
MADE_HERE, FIRST_USE, APT = "made on this machine", "first-use", "apt"


def lock_inputs(name: str, recipe: Recipe, mirrors: Sequence[str], store: Store) -> Lock:
    """The lock of a recipe, as mirrors and Debian are now. mirrors: the recipe's, or the stand-in's own.

    Debian packages are downloaded where the store has them not: Debian's lists do not hold their SHA-512.
    """
    files = release_inputs(recipe, mirrors, store)
    packages = [package_input(item) for item in fetch_packages(debian_packages(recipe), store)]
    return Lock(name, wants(recipe), (*files, *packages))


def release_inputs(recipe: Recipe, mirrors: Sequence[str], store: Store) -> list[LockedInput]:
    """The files of the release: sets and kernel."""
    release = recipe.release
    mirror = ReleaseMirror(mirrors, release.version)
    digests = _Digests(mirror, recipe)
    folder = sets_folder(release.machine)
    sets = [f"{folder}/{set_file(name, digests.folder(folder), digests.where(folder))}" for name in all_sets(recipe)]
    kernels = [path for kernel in all_kernels(recipe) for path in _kernel(kernel, recipe, digests)]
    paths = dict.fromkeys([*sets, *kernels])

    def locked(path: str) -> LockedInput:
        above, _, file = path.rpartition("/")
        sha512 = digests.folder(above)[file]
        size = _size(mirror, path, sha512, store)
        return LockedInput(path, "release", mirror.urls(path), size, sha512, digests.trust)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(locked, paths))


def package_input(package: DebianPackage) -> LockedInput:
    """A Debian package that is in the store."""
    name, stored = f"debian/{package.name}", package.stored
    return LockedInput(name, "debian", (package.url,), stored.size, stored.sha512, APT, package.version)


class _Digests:
    """The digests of a release's directories, each looked up once, and why they are believed."""

    def __init__(self, mirror: ReleaseMirror, recipe: Recipe) -> None:
        self._mirror, self._version = mirror, recipe.release.version
        self._known: dict[str, dict[str, str]] = {}
        self._signed: SignedDigests | None = None
        self.trust = MADE_HERE if recipe.standin else FIRST_USE
        if recipe.release.trust == "signed" and not recipe.standin:
            self._signed = _signed(mirror, recipe.release.key)
            self.trust = f"signed by {self._signed.fingerprint}"

    def folder(self, path: str) -> dict[str, str]:
        """File names to digests."""
        if path not in self._known:
            if self._signed is None:
                self._known[path] = self._mirror.digests(path)
            else:
                self._known[path] = self._signed.folder(self._version, path)
        return self._known[path]

    def where(self, path: str) -> str:
        """What errors call the list of a directory."""
        return f"SHA512 of {self._mirror.urls(path)[0]}" if self._signed is None else f"the signed list, {path},"


def _signed(mirror: ReleaseMirror, key: str) -> SignedDigests:
    where, message = mirror.signed_digests()
    try:
        data = Path(key).read_bytes()
    except OSError as error:
        raise GlassmasterError(f"release.key: {key}: cannot be read", why=error.strerror or str(error)) from error
    return verified(message, data, where, key)


def _kernel(kernel: Kernel, recipe: Recipe, digests: _Digests) -> list[str]:
    """What a kernel is made from, or the release's own."""
    sources = [
        f"{folder}/{set_file(name, digests.folder(folder), digests.where(folder))}"
        for folder, names in wanted_source_sets(kernel) for name in names
    ]  # fmt: skip
    if sources:
        return sources
    path = kernel_file(recipe.release.machine, kernel.config)
    folder, _, file = path.rpartition("/")
    kernels = digests.folder(folder)
    if file not in kernels:
        there = ", ".join(sorted(kernels))
        raise GlassmasterError(f"the release has no kernel {kernel.config}", why=f"{folder} has: {there}")
    return [path]


def _size(mirror: ReleaseMirror, path: str, sha512: str, store: Store) -> int:
    if sha512 not in store:
        told = mirror.size(path)
        if told is not None:
            return told
        take(mirror.urls(path), sha512, store, path)
    return store.path(sha512).stat().st_size
