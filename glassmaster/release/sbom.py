"""sbom.cdx.json: what is on the images of a release, as CycloneDX 1.6. The same release gives the same bytes."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

from glassmaster.places import STANDIN_NOTICE
from glassmaster.recipe.parts import debian_xen
from glassmaster.release.identity import reference, serial_number
from glassmaster.release.sbom_components import (
    DEBIAN,
    Subject,
    component,
    counts,
    debian_component,
    hashes,
    properties,
)
from glassmaster.release.sbom_inputs import Image

DOMU_ORIGIN = "domu:"


def sbom(subject: Subject, images: Sequence[Image]) -> str:
    """The text of the SBOM. images: the CD first."""
    loaded, disc = subject.loaded, images[0]
    whole = Component(
        name=loaded.name, version=subject.release_id, type=ComponentType.OPERATING_SYSTEM,
        description=loaded.recipe.description, bom_ref=reference(subject.release_id), hashes=hashes(disc.digest),
        properties=properties({
            "file": disc.file, "epoch": str(loaded.recipe.epoch), "volume-id": loaded.recipe.media.volume_id,
            **({"stand-in": STANDIN_NOTICE} if loaded.recipe.standin else {}),
        }),
    )  # fmt: skip
    parts = [component(subject, disc, origin) for origin in disc.shares if not origin.startswith(DOMU_ORIGIN)]
    parts += [_domu(subject, disc, image) for image in images[1:]]
    xen = f"{DEBIAN}{debian_xen(loaded.recipe)}"
    rows = [item for item in subject.lock.inputs if item.kind == "debian" and item.name != xen]
    parts += [debian_component(subject, row) for row in rows]
    tool = Component(name="glassmaster", type=ComponentType.APPLICATION)
    metadata = BomMetaData(
        component=whole, timestamp=datetime.datetime.fromtimestamp(loaded.recipe.epoch, datetime.UTC)
    )
    metadata.tools.components.add(tool)
    bom = Bom(
        components=parts, serial_number=serial_number(subject.release_id), metadata=metadata,
        dependencies=[
            Dependency(whole.bom_ref, [Dependency(part.bom_ref) for part in parts]), *_needs(subject, images),
        ],
    )  # fmt: skip
    return str(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)) + "\n"


def _domu(subject: Subject, disc: Image, image: Image) -> Component:
    """A root image, with components of its own inside."""
    return Component(
        name=image.name.removeprefix(DOMU_ORIGIN), group=DOMU_ORIGIN.rstrip(":"),
        version=subject.release_id, type=ComponentType.OPERATING_SYSTEM,
        description="the root image of a virtual machine", bom_ref=reference(subject.release_id, image.name),
        hashes=hashes(image.digest),
        properties=properties({"file": image.file, "origin": image.name, **counts(disc.shares[image.name])}),
        components=[component(subject, image, origin) for origin in image.shares],
    )  # fmt: skip


def _needs(subject: Subject, images: Sequence[Image]) -> Iterator[Dependency]:
    """What packages need of each other, and what a domU's image consists of."""

    def part(image: Image, origin: str) -> BomRef:
        return BomRef(reference(subject.release_id, image.name, origin))

    for image in images:
        for item in image.packages:
            if f"package:{item.name}" in image.shares and item.needs:
                needed = sorted({name for name in item.needs.values() if f"package:{name}" in image.shares})
                yield Dependency(
                    part(image, f"package:{item.name}"), [Dependency(part(image, f"package:{n}")) for n in needed]
                )
    for image in images[1:]:
        inside = [Dependency(part(image, origin)) for origin in image.shares]
        yield Dependency(BomRef(reference(subject.release_id, image.name)), inside)
