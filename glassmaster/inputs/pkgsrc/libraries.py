"""Shared libraries that packages' programs need (REQUIRES of +BUILD_INFO), and whether the image has them.

What the repository's summary says is checked when packages are chosen (contradictions.py); here the files are known.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.archive import opened
from glassmaster.inputs.pkgsrc.contradictions import SHOWN
from glassmaster.inputs.pkgsrc.install import Selected
from glassmaster.inputs.pkgsrc.placing import tree_path
from glassmaster.inputs.store import Store

_REQUIRES = b"REQUIRES="


def require_libraries(selected: Sequence[Selected], paths: Container[str], store: Store) -> None:
    """Raise GlassmasterError if a library is missing, with all packages that need one. paths: all paths of the image.

    What packages say they provide counts for nothing here: the file must be there.
    """
    missing = [
        (one.name, library)
        for one in selected
        for library in required_libraries(one, store)
        if tree_path(library, one.file) not in paths
    ]
    if not missing:
        return
    name, library = missing[0]
    more = [f"{other} needs {needed}" for other, needed in missing[1:SHOWN]]
    more += [f"and {len(missing) - SHOWN} more"] if len(missing) > SHOWN else []
    raise GlassmasterError(
        f"{library}, which {name} needs, is not on the image", why="\n".join(more),
        hint="does the recipe leave out a set that holds it? does a package not hold what it says it provides?",
    )  # fmt: skip


def required_libraries(one: Selected, store: Store) -> Iterator[str]:
    """The absolute paths of the libraries that a package's programs need."""
    package = opened(one.sha512, one.file, store)
    for line in package.read("+BUILD_INFO").splitlines():
        path = line.removeprefix(_REQUIRES).decode("utf-8", "surrogateescape")
        if line.startswith(_REQUIRES) and path.startswith("/"):
            yield path
