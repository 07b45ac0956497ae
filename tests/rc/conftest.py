"""One sandbox for each test and shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rc.sandbox import SHELLS, Sandbox


@pytest.fixture(params=SHELLS)
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    """A root with /bin/sh being this shell."""
    return Sandbox(tmp_path / "root", request.param)
