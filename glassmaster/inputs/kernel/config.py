"""The configuration of a kernel that is built: NetBSD's own, included, and what the recipe changes in it (config.5)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.statements import config_statements, statements
from glassmaster.inputs.template import render_file
from glassmaster.recipe.kernel import EMBEDDING
from glassmaster.recipe.model import Kernel

TEMPLATE = Path(__file__).with_name("derived.conf.j2")


def conf_folder(machine: str) -> PurePosixPath:
    """Where NetBSD's configurations for a machine are, below sys/."""
    return PurePosixPath("arch", machine, "conf")


def derived_config(kernel: Kernel, machine: str, system: Path) -> str:
    """The text of the configuration. system: sys/ of the sources.

    config(1) refuses an option that is set twice, and `no options` for one that is not set: so an option that
    NetBSD's configuration has already is taken out before it is set, and one that it lacks cannot be left out.
    """
    build, include = kernel.build, conf_folder(machine) / kernel.config
    stock = _read_stock(system, include)
    present = _options(stock)
    if absent := [name for name in build.no_options if name not in present]:
        close = difflib.get_close_matches(absent[0], present, n=1)
        raise GlassmasterError(
            f"kernel.build.no_options: {absent[0]}: {kernel.config} has no such option",
            hint=f"did you mean {close[0]}?" if close else "",
        )
    if (system / conf_folder(machine) / build.name).exists():
        raise GlassmasterError(
            f"kernel.build.name: NetBSD has a configuration {build.name} of its own", hint="choose another name"
        )
    added = [*build.options, *([] if EMBEDDING in present else [EMBEDDING])]
    again = [name for name in (option.partition("=")[0] for option in added) if name in present]
    context = {
        "name": build.name, "stock": kernel.config, "include": str(include), "config": build.config,
        "no_configs": [line.split()[0] for line in config_statements(stock)],
        "no_options": [*build.no_options, *again], "options": added, "lines": build.lines,
    }  # fmt: skip
    return render_file(TEMPLATE, context).decode()


def _read_stock(system: Path, include: PurePosixPath) -> list[list[str]]:
    """The statements of NetBSD's configuration, with what it includes."""
    folder = system / include.parent
    if not (system / include).is_file():
        there = sorted(path.name for path in folder.iterdir() if path.name.isupper()) if folder.is_dir() else []
        close = difflib.get_close_matches(include.name, there, n=1)
        raise GlassmasterError(
            f"kernel.config: the sources have no configuration {include.name}", why=f"looked for sys/{include}",
            hint=f"did you mean {close[0]}?" if close else "",
        )  # fmt: skip

    def read(name: str) -> Iterable[str] | None:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise GlassmasterError(f"sys/{include}: includes {name}", why="that is not among the sources")
        file = system / path
        return file.read_text(encoding="utf-8", errors="surrogateescape").split("\n") if file.is_file() else None

    first = read(str(include))
    assert first is not None
    return list(statements(first, read))


def _options(stock: Iterable[list[str]]) -> set[str]:
    """The names of the options that are set in the end (`options A, B="x"`; `no options A`)."""
    names: set[str] = set()
    for statement in stock:
        match statement:
            case ["options", *rest]:
                names.update(_names(rest))
            case ["no", "options", *rest]:
                names.difference_update(_names(rest))
    return names


def _names(found: Iterable[str]) -> Iterable[str]:
    return [word.strip().partition("=")[0] for word in "".join(found).split(",") if word.strip()]
