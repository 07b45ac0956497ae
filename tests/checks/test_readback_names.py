"""Names on a disc are read the same in every locale."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from glassmaster.checks.repro.matrix import LOCALE
from glassmaster.checks.repro.tools import make_locale
from glassmaster.images.iso import BootImages, write_iso
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import merge

EPOCH = 1_700_000_000
READ = """
import json, sys
from pathlib import Path
from glassmaster.checks.readback import read_iso
print(json.dumps(sorted((found.path, found.link) for found in read_iso(Path(sys.argv[1])))))
"""


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", LOCALE])
def test_names_do_not_depend_on_the_locale(tmp_path: Path, locale: str) -> None:
    with new_blob(tmp_path / "blob") as blob:
        content = blob.add(b"text")
    entries = (
        Entry("ünï", "file", 0o644, 0, 0, EPOCH, content=content),
        Entry("lïnk", "link", 0o755, 0, 0, EPOCH, "ünï/日本"),
    )
    boot = BootImages(bytes(4096), bytes(4096), bytes(512))
    disc = tmp_path / "x.iso"
    write_iso(merge([Layer("test", entries)], epoch=EPOCH), boot, disc, volume_id="TEST", epoch=EPOCH)
    make_locale(tmp_path / "locales")
    said = subprocess.run(
        [sys.executable, "-c", READ, disc], check=True, stdout=subprocess.PIPE,
        env={"LC_ALL": locale, "LOCPATH": str(tmp_path / "locales"), "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ).stdout  # fmt: skip
    assert json.loads(said) == [[".", ""], ["lïnk", "ünï/日本"], ["ünï", ""]]
