"""`doit fleet`, as a user starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fleet.conftest import NEW, line

REPOSITORY = Path(__file__).resolve().parents[2]


def fleet(here: Path, *words: str, status: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "glassmaster", "fleet", *words], cwd=REPOSITORY, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=120, env={**os.environ, "GLASSMASTER_CWD": str(here)},
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    return done.stdout


def test_it_shows_all_and_writes_json_and_page(share: Path, releases: Path, checkout: Path, tmp_path: Path) -> None:
    (share / "web").write_text(line("web", local="3", global_="2"))
    words = ("from=share", "config=conf/checkout", "published=releases", "output=result")
    text = fleet(tmp_path, *words, status=1)
    assert f"vservers/web               {NEW}  newest" in text
    assert text.splitlines()[-1] == "2 machines: 1 as it should be, 1 silent"
    assert json.loads(fleet(tmp_path, *words, "--json", status=1)) == json.loads(
        (tmp_path / "result/fleet.json").read_text()
    )
    assert "has not reported" in (tmp_path / "result/fleet.html").read_text()
    (share / "dom0.example.org").write_text(line("dom0.example.org", local="3", global_="2"))
    assert "2 machines: 2 as it should be" in fleet(tmp_path, *words, status=0)


def test_what_is_missing_is_said(share: Path, tmp_path: Path) -> None:
    assert "from= is missing" in fleet(tmp_path, status=3)
    assert "config=DIR says which machines there are" in fleet(tmp_path, "from=ssh://{host}", status=3)
    assert "fleet takes no 'share'" in fleet(tmp_path, "share", status=3)
    assert "not a configuration tree" in fleet(tmp_path, "from=share", "config=share", status=3)
