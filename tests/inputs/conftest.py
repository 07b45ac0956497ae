"""What the tests of inputs/ share: a store of their own, the stand-in release made once, and a look at leftovers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glassmaster.inputs.accounts import Accounts
from glassmaster.inputs.standin.release import make_release
from glassmaster.inputs.store import ENVIRONMENT, Store


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "store"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def kept(store: Store) -> Callable[[], list[str]]:
    """All files of the store, whatever they are: by path below its root."""

    def look() -> list[str]:
        return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())

    return look


@pytest.fixture
def accounts() -> Accounts:
    return Accounts({"root": 0, "toor": 0, "operator": 2}, {"wheel": 0, "tty": 4, "operator": 5})


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror with the stand-in release, NetBSD-standin-1/amd64."""
    mirror = tmp_path_factory.mktemp("release") / "mirror"
    make_release(mirror, "standin-1", "amd64", epoch=1_700_000_000, files=20, size=20_000)
    return mirror
