"""The components of an SBOM: what an image has of one origin; with purl, digests and licence where they are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL

from glassmaster.inputs.lock import Lock, LockedInput
from glassmaster.inputs.pkgsrc.patterns import base_of, version_of
from glassmaster.inputs.wants import SET_SUFFIXES, sets_folder
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.parts import debian_xen
from glassmaster.release.artefacts import KERNEL, KERNELS, Digest
from glassmaster.release.identity import FILE_PROPERTY, reference
from glassmaster.release.licences import licence
from glassmaster.release.sbom_inputs import Image, Share

DEBIAN = "debian/"
# purl's type for the packages of the BSDs, the vendor being its namespace; sets are no packages of any type.
PKGSRC, NETBSD, GENERIC = "bsd", "netbsd", "generic"
STANDIN = "glassmaster-standin"
PREFIX, _, _ = FILE_PROPERTY.rpartition("file")


@dataclass(frozen=True)
class Subject:
    """The release that an SBOM is of. digests: of its files, by name."""

    loaded: LoadedRecipe
    release_id: str
    lock: Lock
    digests: Mapping[str, Digest]

    def row(self, *names: str) -> LockedInput | None:
        """The row of the lock that has one of these names."""
        return next((item for item in self.lock.inputs if item.name in names), None)


def component(subject: Subject, image: Image, origin: str) -> Component:
    """What an image has of one origin."""
    kind, _, name = origin.partition(":")
    made = Component(
        name=name or kind, group=kind if name else None, type=ComponentType.DATA, version=subject.release_id,
        bom_ref=reference(subject.release_id, image.name, origin),
        properties=properties({"origin": origin, **counts(image.shares[origin])}),
    )  # fmt: skip
    if kind in _DESCRIBED:
        _DESCRIBED[kind](made, subject, image, name)
    return made


def debian_component(subject: Subject, row: LockedInput) -> Component:
    """A Debian package that shapes an image without being on it as a layer: GRUB's."""
    made = Component(name=row.name.removeprefix(DEBIAN), bom_ref=reference(subject.release_id, row.name))
    _of_debian(made, row)
    return made


def properties(values: Mapping[str, str]) -> list[Property]:
    """Properties of our own."""
    return [Property(name=f"{PREFIX}{name}", value=value) for name, value in values.items()]


def hashes(digest: Digest) -> list[HashType]:
    """The digests of a file."""
    return [
        HashType(alg=HashAlgorithm.SHA_256, content=digest.sha256),
        HashType(alg=HashAlgorithm.SHA_512, content=digest.sha512),
    ]


def counts(share: Share) -> dict[str, str]:
    """How much it is, and the digest of all of it."""
    return {
        "entries": str(share.entries), "files": str(share.files), "bytes": str(share.bytes),
        "tree-sha256": share.sha256,
    }  # fmt: skip


def _set(made: Component, subject: Subject, _: Image, name: str) -> None:
    release = subject.loaded.recipe.release
    folder = sets_folder(release.machine)
    row = subject.row(*(f"{folder}/{name}{suffix}" for suffix in SET_SUFFIXES))
    made.type, made.version = ComponentType.OPERATING_SYSTEM, release.version
    made.description = f"the set {name} of the release {release.version}"
    made.purl = _generic(subject, name, row)
    _of_row(made, row)


def _kernel(made: Component, subject: Subject, image: Image, name: str) -> None:
    release = subject.loaded.recipe.release
    made.type, made.version = ComponentType.OPERATING_SYSTEM, release.version
    made.description = f"kernel of the configuration {name}"
    made.purl = _generic(subject, f"kernel-{name}", None)
    contents = image.shares[f"kernel:{name}"].contents
    for file, digest in sorted(subject.digests.items()):
        if (file == KERNEL or file.startswith(f"{KERNELS}/")) and digest.sha256 in contents:
            made.components.add(Component(
                name=file, type=ComponentType.FILE, bom_ref=reference(subject.release_id, file), hashes=hashes(digest),
                properties=properties({"file": file}),
            ))  # fmt: skip


def _xen(made: Component, subject: Subject, _: Image, version: str) -> None:
    # Of pkgsrc's package there is a component of its own.
    xen = debian_xen(subject.loaded.recipe)
    row = subject.row(f"{DEBIAN}{xen}") if xen else None
    made.name, made.group, made.version, made.type = "xen", None, version, ComponentType.PLATFORM
    made.description = "the hypervisor"
    if row:
        _of_debian(made, row)


def _package(made: Component, subject: Subject, image: Image, name: str) -> None:
    facts = image.facts.get(name)
    fields = facts.fields if facts else {}
    base, version = base_of(name), version_of(name)
    made.name, made.group, made.version, made.type = base, None, version, ComponentType.APPLICATION
    if facts and facts.comment:
        made.description = facts.comment
    if subject.loaded.recipe.standin:
        made.purl = PackageURL(GENERIC, STANDIN, base, version)
    else:
        qualifiers = {"arch": fields.get("MACHINE_ARCH"), "distro": fields.get("OS_VERSION")}
        known = {key: value for key, value in qualifiers.items() if value}
        made.purl = PackageURL(PKGSRC, NETBSD, base.lower(), version, known)
    if found := licence(fields.get("LICENSE", "")):
        made.licenses.add(found)
    if fields.get("HOMEPAGE", "").startswith(("http://", "https://")):
        _refer(made, ExternalReferenceType.WEBSITE, fields["HOMEPAGE"])
    if fields.get("PKGPATH"):
        made.properties.update(properties({"pkgpath": fields["PKGPATH"]}))
    locked = next((item for item in image.packages if item.name == name), None)
    _of_row(made, subject.row(locked.input) if locked else None)


def _of_debian(made: Component, row: LockedInput) -> None:
    name = row.name.removeprefix(DEBIAN)
    # NAME_VERSION_ARCHITECTURE.deb
    architecture = PurePosixPath(row.urls[0]).stem.rpartition("_")[2] if row.urls else ""
    made.version = made.version or row.version
    made.type = ComponentType.APPLICATION if made.type is ComponentType.LIBRARY else made.type
    made.purl = PackageURL("deb", "debian", name, row.version, {"arch": architecture} if architecture else None)
    _of_row(made, row)


def _of_row(made: Component, row: LockedInput | None) -> None:
    """The file that it came in, as the lock has it."""
    if row is None:
        return
    made.hashes.add(HashType(alg=HashAlgorithm.SHA_512, content=row.sha512))
    made.properties.update(properties({"input": row.name}))
    for url in _http(row):
        _refer(made, ExternalReferenceType.DISTRIBUTION, url)


def _refer(made: Component, kind: ExternalReferenceType, url: str) -> None:
    made.external_references.add(ExternalReference(type=kind, url=XsUri(url)))


def _generic(subject: Subject, name: str, row: LockedInput | None) -> PackageURL:
    release = subject.loaded.recipe.release
    vendor = STANDIN if subject.loaded.recipe.standin else NETBSD
    qualifiers = {"arch": release.machine}
    if row:
        url = next(_http(row), "")
        qualifiers |= {"checksum": f"sha512:{row.sha512}", **({"download_url": url} if url else {})}
    return PackageURL(GENERIC, vendor, name, release.version, qualifiers)


def _http(row: LockedInput) -> Iterator[str]:
    """Places that mean the same on another machine."""
    return (url for url in row.urls if url.startswith(("http://", "https://")))


_DESCRIBED: Mapping[str, Callable[[Component, Subject, Image, str], None]] = {
    "set": _set, "kernel": _kernel, "xen": _xen, "package": _package,
}  # fmt: skip
