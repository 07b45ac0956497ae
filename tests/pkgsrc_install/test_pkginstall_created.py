"""Packages that pkg_create and pkg_admin of NetBSD 6.99.16 made of our own files: a writer that is not ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.archive import Archive, opened
from glassmaster.inputs.pkgsrc.install import Selected
from glassmaster.inputs.pkgsrc.signature import require_signature
from glassmaster.inputs.store import Store
from tests.pkgsrc_install.conftest import Run

DATA = Path(__file__).parent / "data"
LONG = "l" * 120 + "/" + "f" * 130


def open_created(name: str, store: Store) -> Archive:
    return opened(store.add([(DATA / name).read_bytes()], what=name).sha512, name, store)


@pytest.mark.parametrize("name", ["created-xz.tgz", "created-signed.tgz"])
def test_what_pkg_create_made(name: str, store: Store, run_install: Run) -> None:
    package = open_created(name, store)
    assert package.contents.name == "created-1"
    assert package.contents.depends == ["dep>=1"]
    assert package.contents.conflicts == ["cfl-[0-9]*"]
    files = ["bin/one", "bin/two", "bin/three", "lib/deep/name with space", "lib/zeros", f"lib/{LONG}"]
    assert [file.path for file in package.contents.files] == files
    assert package.index.members["bin/two"].hardlink == "bin/one"
    sha512 = store.add([(DATA / name).read_bytes()], what=name).sha512
    result = run_install(Selected("created-1", name, sha512))
    assert (result.entries["usr/pkg/bin/two"].mode, result.entries["usr/pkg/bin/three"].link) == (0o4755, "one")
    assert result.entries["usr/pkg/share/x"].kind == "dir"
    assert result.read(f"usr/pkg/lib/{LONG}") == b"x\n"


def test_what_pkg_admin_signed(store: Store) -> None:
    package = open_created("created-signed.tgz", store)
    require_signature(package.signed, DATA / "created-key.asc", "created-1", "created-signed.tgz")
    with pytest.raises(GlassmasterError, match="the signature is for created-1"):
        require_signature(package.signed, DATA / "created-key.asc", "created-2", "created-signed.tgz")
