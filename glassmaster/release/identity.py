"""Names by which the SBOM's parts are known: the same for the same release, and found again by who reads it."""

from __future__ import annotations

import uuid

# Of our own: UUIDv5 of the URL namespace and of the name under which releases are built (provenance.BUILD_TYPE).
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:glassmaster:release:1")
# A component that is a file of the release has its name in this property.
FILE_PROPERTY = "glassmaster:file"


def serial_number(release_id: str) -> uuid.UUID:
    """The serial number of a release's SBOM."""
    return uuid.uuid5(NAMESPACE, release_id)


def reference(release_id: str, *path: str) -> str:
    """The bom-ref of a component, by its place in the release: ("domu:base", "set:etc")."""
    return str(uuid.uuid5(serial_number(release_id), "\n".join(path)))
