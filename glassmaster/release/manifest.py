"""domu/SHA512: what a server learns of a release's images before it fetches them (docs/rollout.md)."""

from __future__ import annotations

from collections.abc import Mapping

from glassmaster.inputs.checksums import format_checksums


def manifest(recipe: str, release_id: str, epoch: int, digests: Mapping[str, str]) -> str:
    """Its text. digests: SHA-512 by the images' names."""
    head = f"# recipe {recipe}\n# release {release_id}\n# epoch {epoch}\n"
    return head + format_checksums("SHA512", dict(digests))
