"""NetBSD's cross tools (`build.sh tools`): built once for all recipes on the same sources, and gone on with."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.buildsh import BuildSh, jobs, run_logged
from glassmaster.inputs.kernel.sources import SourceTree
from glassmaster.inputs.kernel.workdir import finish, key_of
from glassmaster.inputs.store import Store
from glassmaster.recipe.model import KernelBuild
from glassmaster.run import Command, run

KIND = "toolchain"
FORMAT = 1
TOOLS = "tools"
# What build.sh calls the host's compilers, and the variables that name others.
COMPILERS = (("HOST_CC", "cc"), ("HOST_CXX", "c++"))


@dataclass(frozen=True)
class Toolchain:
    """Finished tools. folder: their work directory; key: what they were made of."""

    source: SourceTree
    folder: Path
    key: str

    @property
    def tools(self) -> Path:
        """TOOLDIR."""
        return self.folder / TOOLS

    def tool(self, name: str) -> Path | None:
        """A tool for this host, such as pwd_mkdb, makefs or mtree; None where the release has no such tool."""
        path = self.tools / "bin" / f"nb{name}"
        return path if path.is_file() else None

    def binary_tool(self, name: str) -> Path:
        """A tool for the machine's binaries, such as strip."""
        found = sorted((self.tools / "bin").glob(f"*--netbsd*-{name}"))
        if len(found) != 1:
            raise GlassmasterError(
                f"the toolchain {self.folder} is not as it was made", why=f"{len(found)} files are called …-{name}",
                hint=f"remove it (rm -r {self.folder}); it is made again",
            )  # fmt: skip
        return found[0]


def toolchain(source: SourceTree, build: KernelBuild, machine: str, store: Store, log: Path) -> Toolchain:
    """The tools made of a source tree as a recipe says, made or gone on with unless the store has them."""
    key = key_of({
        "format": FORMAT, "source": source.key, "machine": machine, "environment": dict(build.environment),
        "make": dict(build.make), "compilers": [_version(variable, program, build) for variable, program in COMPILERS],
    })  # fmt: skip

    def make(folder: Path) -> None:
        print(f"cross tools: made in {folder}, log in {log}", flush=True)
        command = BuildSh.of(source.top, machine, folder / TOOLS, build).command(folder, jobs(), {}, "tools")
        run_logged(command, log, "cross tools")
        # Ten times as large as the tools, and nobody's any longer.
        shutil.rmtree(folder / "obj", ignore_errors=True)

    return Toolchain(source, finish(store, KIND, key, "the cross tools", make, source.made_of), key)


def _version(variable: str, program: str, build: KernelBuild) -> str:
    """The compiler's first line about itself."""
    said = run(Command((*build.environment.get(variable, program).split(), "--version"), build.environment))
    return said.decode("utf-8", "replace").partition("\n")[0]
