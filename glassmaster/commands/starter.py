"""The files of a repository that uses glassmaster as a library, as `doit init` makes it."""

from __future__ import annotations

from collections.abc import Mapping

DODO = '''\
"""The task graph of this repository: glassmaster's, and whatever is added below."""

from glassmaster.tasks import *  # noqa: F403  # doit finds tasks by the names of this module
'''

PYPROJECT = """\
# What `doit iso` builds when the command line names no recipe.
[tool.glassmaster]
recipe = "standin"

[tool.doit]
dep_file = ".doit.db"
backend = "state"
verbosity = 2
"""

RECIPE = """\
# The stand-in: a release of NetBSD's shape that is made on this machine. It is not NetBSD; it shows that everything
# works. For a real one, take out `standin` and name `release.mirrors`; `doit schema` helps an editor with the rest.
description: "stand-in release (not NetBSD) with our own overlay"
epoch: 2026-01-01

standin:
  files: 20
  bytes: 20000

release:
  version: standin-1
  machine: amd64
  sets: [base, etc]

kernel:
  config: XEN3_DOM0

xen:
  package: xen-hypervisor-4.17-amd64
  member: boot/xen-4.17-amd64.gz
  arguments: dom0_mem=256M,max:256M

overlays: [site]

variables:
  site: example.org

boot:
  title: "stand-in, not NetBSD"

media:
  budget: cd80
  volume_id: STANDIN

smoke:
  memory: 1024
  power_off: yes
  milestones:
    - name: stand-in kernel
      pattern: 'glassmaster stand-in kernel'
    - name: last words
      pattern: 'standin: powering off'
"""

MOTD = "This is {{ name }}, release {{ release_id }}, of {{ vars.site }}.\n"

README = """\
# Server CDs

Built with glassmaster, which this repository uses as a library (`pip install glassmaster`).

    doit doctor         # is everything here that a build needs?
    doit iso            # build the CD: out/standin/dom0.iso
    doit smoke          # boot it in QEMU
    doit checklist      # what is done, what is not

- `recipes/` says what is built, one YAML file for each release: `doit iso recipe=NAME`
- `overlays/NAME/` holds files of our own, at their places on the CD; `FILE.j2` is a template of FILE
- `dodo.py` is the task graph: tasks of our own go below the import
"""

GITIGNORE = """\
/build/
/out/
/.doit.db*
# Made with the stand-in; locks of real releases are committed.
/recipes/standin.lock
__pycache__/
"""

FILES: Mapping[str, str] = {
    "dodo.py": DODO,
    "pyproject.toml": PYPROJECT,
    "recipes/standin.yaml": RECIPE,
    "overlays/site/etc/motd.j2": MOTD,
    "README.md": README,
    ".gitignore": GITIGNORE,
}
