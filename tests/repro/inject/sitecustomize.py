"""Makes the steps of builds in tests impure: with this directory on PYTHONPATH every leak gets into the CD's tree.

/leak/NAME holds what leaks; of `umask` and `user` it is mode and owner. GRUB's FAT image gets the user into its serial.
"""

from __future__ import annotations

import dataclasses
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.append(str(Path(__file__).parents[3]))
from tests.repro import leaks

STEPS = "glassmaster.steps"


class Finder(importlib.abc.MetaPathFinder):
    """Finds the module of the steps, and changes it as soon as it is loaded."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if name != STEPS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def changed(module: ModuleType) -> None:
            load(module)
            # Not in the clone that the others are copies of: they would begin with its mark.
            if "/repro/run/" in str(Path.cwd()):
                leaks.mark()
            for name, impure in (("overlay_layer", leaking), ("write_fat", numbered)):
                setattr(module, name, impure(getattr(module, name)))

        spec.loader.exec_module = changed  # type: ignore[method-assign]
        return spec


def leaking(overlay_layer: Any) -> Any:
    """The overlay of the dom0, with a file for each leak."""

    def layer(name: str, context: dict[str, Any], accounts: Any, epoch: int, blob: Any) -> Any:
        from glassmaster.tree.entry import Entry

        made = overlay_layer(name, context, accounts, epoch, blob)
        if name != "dom0":
            return made
        entries = []
        for leak, text in leaks.LEAKS.items():
            content = blob.add(b"" if leak in ("umask", "user") else text().encode())
            mode = leaks.mode_of_a_new_file() if leak == "umask" else 0o444
            uid = os.getuid() if leak == "user" else 0
            entries.append(Entry(f"leak/{leak}", "file", mode, uid, 0, epoch, content=content))
        return dataclasses.replace(made, entries=(*made.entries, *entries))

    return layer


def numbered(write_fat: Any) -> Any:
    """The FAT image with another serial number for each user."""

    def write(*arguments: Any, serial: int, **named: Any) -> Any:
        return write_fat(*arguments, serial=serial ^ os.getuid(), **named)

    return write


sys.meta_path.insert(0, Finder())
