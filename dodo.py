"""glassmaster's task graph, and the checks of this repository."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glassmaster.tasks import *  # noqa: F403  # doit finds tasks by the names of this module

SHELL_PLACES = [
    "doit", ".ci/run", "ci/*.sh", "tests/rc/standins/*", "tests/domuboot/*.sh",
    "tests/real/overlays/*/usr/pkg/*/*", "tests/real/pkgcheck/libexec/*",
    "overlays/*/etc/rc", "overlays/*/etc/rc.d/*", "overlays/*/etc/defaults/*",
    "overlays/*/libexec/glassmaster/*", "overlays/*/usr/sbin/*", "glassmaster/inputs/standin/source/build.sh",
]  # fmt: skip
SHELL_FILES = [str(path) for place in SHELL_PLACES for path in sorted(Path().glob(place)) if path.suffix != ".j2"]


def tool(name: str) -> str:
    """A program of the Python environment that runs this."""
    return str(Path(sys.executable).with_name(name))


def task_lint() -> Iterator[dict[str, Any]]:
    """check the code: ruff, mypy, shellcheck, and that imports go one way"""
    yield {"basename": "lint", "name": None, "doc": task_lint.__doc__}
    checks = {
        "ruff": [tool("ruff"), "check", "."],
        "format": [tool("ruff"), "format", "--check", "."],
        "mypy": [tool("mypy")],
        "imports": [tool("lint-imports")],
        "shellcheck": ["shellcheck", *SHELL_FILES],
    }
    for name, argv in checks.items():
        yield {"name": name, "actions": [argv], "doc": f"run {name}"}


def task_docs() -> dict[str, Any]:
    """build the documentation site, out/site, of docs/ and of what the program says of itself"""
    build = "build/docs"
    # Not with --quiet: --strict counts the warnings that are shown.
    site = ["env", "SOURCE_DATE_EPOCH=0", "NO_MKDOCS_2_WARNING=1", tool("mkdocs"), "build", "--strict"]
    return {"basename": "docs", "actions": [[sys.executable, "-m", "glassmaster.manual", build], site]}


def task_test() -> dict[str, Any]:
    """check the code and run the tests, without the slow ones"""
    return {"actions": [[tool("pytest"), "-n", "auto", "-m", "not slow"]], "task_dep": ["lint"]}


def task_test_all() -> dict[str, Any]:
    """check the code and run every test, also those that take long or need the package registries"""
    return {"basename": "test-all", "actions": [[tool("pytest"), "-n", "auto"]], "task_dep": ["lint"]}
