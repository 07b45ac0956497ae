"""Modes as chmod takes them, compared with the host's chmod."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.modes import changed_mode


@pytest.mark.parametrize("text", [
    "4511", "0755", "7", "u+s", "g+s", "ug+s", "+t", "a+x", "+x", "go-w", "u=rwx,go=rx", "g=",
    "o=", "a-x+X", "u+rwxs,g-r", "=r", "+w", "u=rws", "-rwx", "+X",
])  # fmt: skip
@pytest.mark.parametrize("before", [0o644, 0o755, 0o4555, 0o600, 0o2755])
def test_the_same_as_chmod(text: str, before: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(before)
    subprocess.run(["sh", "-c", f"umask 022; chmod {text} {path} 2>/dev/null || true"], check=True)
    assert oct(changed_mode(text, before, "here")) == oct(path.stat().st_mode & 0o7777)


@pytest.mark.parametrize("text", ["", "8", "77777", "z+x", "u", "u+y", "u+x,", "1755 ", "0x1"])
def test_what_is_no_mode(text: str) -> None:
    with pytest.raises(GlassmasterError, match=r"here: .* is no mode"):
        changed_mode(text, 0o644, "here")


@given(st.text("ugoa+-=rwxXst,0123456789", max_size=10), st.integers(0, 0o7777))
def test_only_our_own_errors(text: str, before: int) -> None:
    try:
        assert 0 <= changed_mode(text, before, "noise") <= 0o7777
    except GlassmasterError:
        return
