"""Can our own files do their work on an image? Looked at before it is written."""

from __future__ import annotations

from collections.abc import Sequence

from glassmaster.checks import rcscripts
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.overlay import read_rules, require_needed
from glassmaster.tree.links import dangling
from glassmaster.tree.merge import Tree


def require_sound(tree: Tree, overlays: Sequence[str]) -> None:
    """Refuse a tree on which our own files cannot do their work: an overlay without another that it needs, links that
    lead nowhere, rc scripts in the way.
    """
    require_needed(overlays)
    for name in overlays:
        for node in dangling(tree, f"overlay:{name}", read_rules(name).runtime):
            raise GlassmasterError(
                f"overlay:{name}: {node.entry.path} -> {node.entry.link}: the link leads to nothing on this image",
                hint="correct it; if the path is there when the system runs, "
                f"list it under `runtime` in overlays/{name}.yaml",
            )
    rcscripts.require_harmless(tree)
