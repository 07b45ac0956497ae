"""Kernels built from source with NetBSD's tools."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from glassmaster.atomic import PARTIAL, put_in_place, write_text
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.buildsh import BuildSh, jobs, run_logged
from glassmaster.inputs.kernel.config import derived_config
from glassmaster.inputs.kernel.sources import CONF, SourceTree
from glassmaster.inputs.kernel.toolchain import Toolchain
from glassmaster.inputs.kernel.workdir import finish, key_of
from glassmaster.inputs.store import Store
from glassmaster.recipe.model import Kernel
from glassmaster.run import Command, run

KIND = "kernel"
FORMAT = 1
KERNELS = "kernels"
CONF_DIGITS = 12


def built_kernels(
    kernel: Kernel, tools: Toolchain, machine: str, epoch: int, store: Store, log: Path
) -> Mapping[str, Path]:
    """The kernels of a configuration, by the name on their `config` line: made, or gone on with, unless there already.

    Equal sources, configuration, variables and epoch give equal bytes, wherever the store and the repository are.
    """
    build = kernel.build
    text = derived_config(kernel, machine, tools.source.top / "sys")
    names = [line.split()[0] for line in build.config]
    key = key_of({
        "format": FORMAT, "tools": tools.key, "name": build.name, "text": text, "machine": machine, "epoch": epoch,
    })  # fmt: skip

    def make(folder: Path) -> None:
        print(f"kernel {build.name}: made in {folder}, log in {log}", flush=True)
        conf = conf_path(tools.source, build.name, text)
        variables = {"MKREPRO": "yes", "MKREPRO_TIMESTAMP": str(epoch)}
        builder = BuildSh.of(tools.source.top, machine, tools.tools, build)
        run_logged(builder.command(folder, jobs(), variables, f"kernel={conf}"), log, f"kernel {build.name}")
        made = folder / "obj" / "sys" / "arch" / machine / "compile" / build.name
        for name in names:
            _strip(made / name, folder / KERNELS / name, tools)
        shutil.rmtree(folder / "obj", ignore_errors=True)

    folder = finish(store, KIND, key, f"kernel {build.name}", make, tools.source.made_of)
    return {name: folder / KERNELS / name for name in names}


def conf_path(source: SourceTree, name: str, text: str) -> str:
    """Write a configuration and say where, seen from the source tree, in which build.sh runs.

    config(1) embeds the path that it is given. This one is the same wherever the store is; the digest in it keeps
    configurations of one name apart.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:CONF_DIGITS]
    path = source.folder / CONF / digest / name
    write_text(path, text)
    return os.path.relpath(path, source.top)


def strip_command(strip: Path, kernel: Path, output: Path) -> Command:
    """Leave out what is for debuggers: it names the directories in which the kernel was made."""
    return Command((str(strip), "-g", "-o", str(output), str(kernel)))


def _strip(made: Path, final: Path, tools: Toolchain) -> None:
    if not made.is_file():
        raise GlassmasterError(f"build.sh made no kernel {made.name}", why=f"{made} is not there")
    final.parent.mkdir(exist_ok=True)
    temporary = final.with_name(f".{final.name}{PARTIAL}")
    run(strip_command(tools.binary_tool("strip"), made, temporary))
    put_in_place(temporary, final)
