"""In which revision each directory of a configuration tree was changed last, and what a machine's svnversion means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from glassmaster.config.subversion import is_working_copy
from glassmaster.config.tree import ConfigTree
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

# svnversion(1): the lowest revision, the highest where they differ; M: changed by hand, S: switched, P: a part only.
_VERSION = re.compile(r"(?P<lowest>[0-9]{1,12})(:[0-9]{1,12})?(?P<changed>M?)S?P?")


@dataclass(frozen=True)
class Revision:
    """What a machine has. changed: by hand, on the machine."""

    lowest: int
    changed: bool


def read_revision(text: str) -> Revision | None:
    """What svnversion said; None for anything that is no revision."""
    match = _VERSION.fullmatch(text)
    return Revision(int(match["lowest"]), bool(match["changed"])) if match else None


def info_command(folders: Sequence[Path]) -> Command:
    """Ask for all that Subversion knows of directories."""
    return Command(("svn", "info", "--non-interactive", "--xml", *map(str, folders)))


def last_changed(tree: ConfigTree) -> dict[str, int]:
    """The revision of the last change below each directory of a server and below global; none for no checkout."""
    if not is_working_copy(tree.root):
        return {}
    places = [*(server.place for server in tree.servers()), tree.shared.place]
    said = run(info_command([tree.root / place for place in places]))
    try:
        entries = ElementTree.fromstring(said).iter("entry")
        found = {entry.attrib["path"]: int(entry.find("commit").attrib["revision"]) for entry in entries}  # type: ignore[union-attr]
    except (ElementTree.ParseError, AttributeError, LookupError, ValueError) as error:
        raise GlassmasterError(f"{tree.root}: svn info says what is not understood", why=str(error)) from error
    return {place: found[str(tree.root / place)] for place in places if str(tree.root / place) in found}
