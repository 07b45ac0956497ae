"""Small repositories, written down as their summaries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from glassmaster.inputs.pkgsrc.summary import Summary, read_summary

# Without a tree of packages below it, each test says only what it is about: `name-1 VARIABLE=value VARIABLE=value`.
BUILT = {
    "OPSYS": "NetBSD", "OS_VERSION": "10.0", "MACHINE_ARCH": "x86_64", "SIZE_PKG": "1000", "BUILD_DATE": "2026-07-01",
}  # fmt: skip


def summary_text(*packages: str) -> str:
    """The text of a summary; each package is one line of words, its name and VARIABLE=value."""
    records = []
    for package in packages:
        name, *given = package.split()
        said = {word.partition("=")[0] for word in given}
        lines = [f"PKGNAME={name}", *given, *(f"{key}={value}" for key, value in BUILT.items() if key not in said)]
        records.append("\n".join([*lines, f"DESCRIPTION=What {name} is", "DESCRIPTION=", "DESCRIPTION=for."]))
    return "\n\n".join(records) + "\n"


@pytest.fixture
def repository() -> Callable[..., Summary]:
    """Reads a summary of packages in the form of summary_text()."""
    return lambda *packages: read_summary(iter([summary_text(*packages).encode()]), "pkg_summary.gz")
