"""`python -m glassmaster …`: doit with a supervisor around it, which ends everything that a run has started."""

from __future__ import annotations

import sys

from glassmaster.doit_plugins.supervisor import supervised


def main() -> int:
    """doit itself, with the arguments of this process; returns its status."""
    from doit.doit_cmd import DoitMain  # in the supervised process: the others need nothing of it

    DoitMain.BIN_NAME = "doit"
    return int(DoitMain().run(sys.argv[1:]) or 0)


if __name__ == "__main__":
    supervised("doit", main)
