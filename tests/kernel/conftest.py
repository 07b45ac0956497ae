"""What the tests of kernels share: kernels with a configuration inside, recipes' kernels, a store."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from glassmaster.inputs.store import ENVIRONMENT, Store
from glassmaster.recipe.model import Kernel, KernelBuild

settings.register_profile("kernel", derandomize=True, deadline=None, database=None, max_examples=100)
settings.load_profile("kernel")

ELF = b"\x7fELF\2\1\1" + bytes(57)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "store"))
    return Store(tmp_path / "store")


@pytest.fixture
def kernel() -> Callable[..., Kernel]:
    """Makes a recipe's kernel: `source` and `arguments` by name, anything else is of its `build`."""

    def make(source: str = "built", **values: Any) -> Kernel:
        build = dataclasses.replace(KernelBuild(), **values)
        return Kernel(source=source, config="XEN3_DOM0", build=build)  # type: ignore[arg-type]

    return make


@pytest.fixture
def image() -> Callable[..., bytes]:
    """Makes a kernel's file that holds the given lines, each with the prefix, among other bytes."""

    def make(*lines: str, before: bytes = b"\1\2\3") -> bytes:
        body = b"".join(b"_CFG_" + line.encode("utf-8", "surrogateescape") + b"\n" for line in lines)
        return ELF + b"printf %s\0" + before + body + b"\0sym_CFG_table\0"

    return make
