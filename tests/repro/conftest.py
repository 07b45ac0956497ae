"""What the tests of the matrix share."""

from __future__ import annotations

import pytest

from tests.repro.toy import REPOSITORY


@pytest.fixture
def our_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The builds of a toy project find glassmaster, as if it were installed."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
