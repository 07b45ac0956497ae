"""The overlays that ship, on the stand-in: each combination that docs/overlays.md names becomes an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.build.conftest import Clone

DOMUS = """
domus:
  base: {sets: [base, etc], overlays: [machine, domu-base, pkgclient]}
  repo: {sets: [base, etc], overlays: [machine, domu-base, pkgrepo]}
  small: {sets: [base, etc], overlays: [machine, domu-base, storage], filesystem: ffs2}
"""


@pytest.mark.slow
def test_the_overlays_of_virtual_machines_fit_together(built: Clone) -> None:
    result = built.doit("domu", f"recipe={built.recipe('fit', DOMUS)}")
    assert result.returncode == 0, result.stdout
    domus = built.path / "out/fit/domu"
    found = {name: (domus / f"{name}.mtree").read_text() for name in ("base", "repo", "small")}
    for name, paths in {
        "base": ["etc/rc.d/glassmaster_pkgclient type=file uid=0 gid=0 mode=0555"],
        "repo": ["data type=dir uid=0 gid=0 mode=0755", "etc/mk.conf type=file uid=0 gid=0 mode=0644"],
        "small": [
            "etc/rc.d/glassmaster_storage type=file uid=0 gid=0 mode=0555",
            "libexec/glassmaster/storage-alive type=file uid=0 gid=0 mode=0755",
        ],
    }.items():
        for path in [*paths, "etc/rc.netbsd type=file", "etc/rc type=file uid=0 gid=0 mode=0644", "memory type=dir"]:
            assert f"\n./{path}" in found[name]
        assert "glassmaster-domu" not in found[name]


@pytest.mark.slow
def test_an_overlay_without_the_one_that_it_needs(built: Clone) -> None:
    domus = "domus: {base: {sets: [base, etc], overlays: [machine, storage]}}\n"
    result = built.doit("domu", f"recipe={built.recipe('alone', domus)}")
    assert result.returncode == 1
    assert "overlay storage: needs the overlay domu-base before it (overlays/storage.yaml)" in result.stdout
    assert "overlays: [machine, domu-base, storage]" in result.stdout
