"""`doit kernel-config`, started as a user starts it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from glassmaster.inputs.standin.kernel_build import SOURCES, build_kernel
from tests.commands.conftest import Project


@pytest.fixture
def kernel(clone: Project) -> Path:
    path = clone.path / "netbsd"
    path.write_bytes(build_kernel("XEN3_DOM0"))
    return path


def test_it_prints_what_is_inside(clone: Project, kernel: Path) -> None:
    text = (SOURCES / "conf" / "XEN3_DOM0").read_text()
    shown = clone.doit("kernel-config", str(kernel))
    assert shown == f'### START CONFIG FILE "XEN3_DOM0"\n{text}### END CONFIG FILE "XEN3_DOM0"\n'
    packed = kernel.with_name("netbsd.gz")
    packed.write_bytes(gzip.compress(kernel.read_bytes()))
    assert clone.doit("kernel-config", "netbsd.gz") == shown
    assert clone.doit("kernel-config", "netbsd.gz", "-o", "text") == ""
    assert (clone.path / "text").read_text() == shown


def test_as_json(clone: Project, kernel: Path) -> None:
    found = json.loads(clone.doit("kernel-config", kernel.name, "--json"))
    assert found["config"] == ["netbsd root on ? type ?"]
    assert found["top"]["name"] == "XEN3_DOM0"
    assert found["includes"] == []


def test_what_it_cannot_read(clone: Project, kernel: Path) -> None:
    assert "No such file" in clone.doit("kernel-config", "nothing", status=3)
    kernel.write_bytes(b"\x7fELF without one")
    assert "holds no configuration" in clone.doit("kernel-config", "netbsd", status=3)
    kernel.write_bytes(b"text")
    assert "not an ELF file" in clone.doit("kernel-config", "netbsd", status=3)
    assert "one file" in clone.doit("kernel-config", status=3)
