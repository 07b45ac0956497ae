"""Damaged files lead to errors for people, and to an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inspection.look import look
from glassmaster.inspection.partitions import read_disklabel, read_mbr

# Where the structures are that lead to others, so that more than file contents is hit.
SPOTS = {
    "disc": [(0, 512), (16 * 2048, 4 * 2048), (20 * 2048, 40_000)],
    "ffs": [(65536, 1400), (65536 + 8192, 32_768), (0, 400_000)],
    "disk": [(446, 66), (2049 * 512, 500), (4096 * 512 + 65536, 40_000)],
    "kernel": [(0, 500)], "packed-kernel": [(0, 400)], "set": [(0, 2000)], "package": [(0, 600)], "tar": [(0, 4000)],
}  # fmt: skip
BYTES = st.sampled_from([0, 1, 2, 4, 0x7F, 0x80, 0xFF])


@pytest.mark.parametrize("name", SPOTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_few_bytes_changed(files: dict[str, Path], tmp_path: Path, name: str, data: st.DataObject) -> None:
    changed = bytearray(files[name].read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        start, length = data.draw(st.sampled_from(SPOTS[name]))
        at = start + data.draw(st.integers(0, length - 1))
        if at < len(changed):
            changed[at] = data.draw(BYTES)
    looked(changed, tmp_path)


@pytest.mark.parametrize("name", SPOTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_off(files: dict[str, Path], tmp_path: Path, name: str, data: st.DataObject) -> None:
    whole = files[name].read_bytes()
    looked(whole[: data.draw(st.integers(0, len(whole) - 1))], tmp_path)


BEGINNINGS = st.sampled_from(
    [b"", b"\x7fELF", b"\x1f\x8b\x08", b"!<arch>\n", b"\xfd7zXZ\0", b"#mtree\n", b"BZh9", b"/set "]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(beginning=BEGINNINGS, rest=st.binary(max_size=600))
def test_garbage(tmp_path: Path, beginning: bytes, rest: bytes) -> None:
    looked(beginning + rest, tmp_path)


def looked(data: bytes | bytearray, folder: Path) -> None:
    path = folder / "it"
    path.write_bytes(data)
    try:
        look(path, "it")
    except GlassmasterError as error:
        assert str(error).strip()


@given(st.binary(max_size=1024))
def test_sectors(data: bytes) -> None:
    read_mbr(data)
    read_disklabel(data)
    read_mbr(data[:510].ljust(510, b"\0") + b"\x55\xaa")
    read_disklabel(b"\x57\x45\x56\x82" + data.ljust(600, b"\0"))
