"""The stand-in kernel: compiled by gcc from the sources beside this file (see kernel/README.md)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from glassmaster.run import Command, run

SOURCES = Path(__file__).parent / "kernel"
CONFIGS = ("XEN3_DOM0", "XEN3_DOMU")
NETBSD_VERSION = 1001000000  # the form of __NetBSD_Version__, sys/sys/param.h

FLAGS = (
    "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdinc", "-fno-builtin",
    "-fno-stack-protector", "-fno-tree-loop-distribute-patterns",
    "-fno-pic", "-fno-pie", "-mcmodel=kernel", "-mno-red-zone", "-mgeneral-regs-only",
    "-march=x86-64", "-mtune=generic", "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-fno-ident",
    "-fno-strict-aliasing", "-static", "-no-pie", "-nostdlib", "-Wl,--build-id=none", "-Wl,-z,noexecstack",
    "-Wl,-z,max-page-size=4096", "-Wl,--fatal-warnings", "-Wl,-s", "-T", "kernel.lds",
)  # fmt: skip


def kernel_files() -> list[Path]:
    """All files that the kernel is made of, sorted."""
    return sorted(path for path in SOURCES.rglob("*") if path.is_file() and path.suffix != ".md")


def kernel_defines() -> tuple[str, ...]:
    """What is defined for the sources beside the configuration's name."""
    return (f"-DSTANDIN_NETBSD_VERSION={NETBSD_VERSION}",)


def compile_command(config: str, headers: Path, output: Path) -> Command:
    """Compile the kernel of a configuration. `headers` holds config_file.h. Names are relative: no path gets in."""
    sources = [path.name for path in kernel_files() if path.suffix in (".c", ".S")]
    defines = (f'-DSTANDIN_CONFIG="{config}"', *kernel_defines())
    return Command(("gcc", *FLAGS, *defines, f"-I{headers}", "-o", str(output), *sources), directory=SOURCES)


def config_header(config: str, text: str) -> str:
    """config_file.h for a configuration, as config(1) writes it (usr.bin/config/main.c, logconfig_start)."""
    lines = [f'### START CONFIG FILE "{config}"', *text.splitlines(), f'### END CONFIG FILE "{config}"']
    strings = "".join(f'    "_CFG_{_c_string(_vis_tab(line))}\\n"\n' for line in lines)
    return f"static const char config[] __attribute__((used)) =\n{strings};\n"


def compiler_version() -> str:
    """The version of the gcc that compiles it."""
    return run(Command(("gcc", "-dumpfullversion"))).decode().strip()


def build_kernel(config: str) -> bytes:
    """The ELF file of the stand-in kernel of a configuration."""
    text = (SOURCES / "conf" / config).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "config_file.h").write_text(config_header(config, text), encoding="utf-8")
        run(compile_command(config, work, work / "netbsd"))
        return (work / "netbsd").read_bytes()


def _vis_tab(line: str) -> str:
    return line.replace("\\", "\\\\").replace("\t", "\\^I")


def _c_string(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
