"""The configuration inside a kernel, as `config -x` reads it (NetBSD, usr.bin/config/main.c, logconfig_start).

With INCLUDE_CONFIG_FILE a kernel holds one string. Its lines begin with `_CFG_` and are vis(3)-encoded: the top file
between START and END, then one block for each included file, in the order in which config(1) opened them. With
INCLUDE_JUST_CONFIG it holds the lines of the top file alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.tree.vis import unvis

PREFIX = b"_CFG_"
START, END = "### START CONFIG FILE ", "### END CONFIG FILE "
INCLUDED, INCLUDED_LINE, INCLUDED_END = "### (included from ", "###> ", "### (end include "

_MARKER = re.compile(r'### (?:(?:START|END) CONFIG FILE |\((?:included from|end include) )"(?P<name>.*)"\)?')
# The word that a line of a configuration begins with, by which a block without START is told from other text.
_STATEMENT = re.compile(rb"_CFG_(?:c?include|config|machine|options|no)(?:\s|\\)")


@dataclass(frozen=True)
class ConfigFile:
    """One file of a configuration, decoded. name: as config(1) was given it, "" where the kernel does not say."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class EmbeddedConfig:
    """The configuration that a kernel was made from: its top file, and what that included, in order."""

    top: ConfigFile
    includes: tuple[ConfigFile, ...]

    def text(self) -> str:
        """What `config -x` prints."""
        lines: list[str] = []
        if self.top.name:
            lines.append(f'{START}"{self.top.name}"')
        lines += self.top.lines
        if self.top.name:
            lines.append(f'{END}"{self.top.name}"')
        for file in self.includes:
            lines.append(f'{INCLUDED}"{file.name}")')
            lines += [f"{INCLUDED_LINE}{line}" for line in file.lines]
            lines.append(f'{INCLUDED_END}"{file.name}")')
        return "".join(f"{line}\n" for line in lines)

    def encoded(self) -> bytes:
        """The same for a file: a configuration may hold bytes that are no UTF-8, and they stay what they are."""
        return self.text().encode("utf-8", "surrogateescape")


def embedded_config(kernel: bytes, name: str) -> EmbeddedConfig:
    """The configuration inside a kernel (not compressed). `name` is what errors call the kernel.

    Raises GlassmasterError where there is none, more than one, or one that config(1) cannot have written.
    """
    blocks = list(_blocks(kernel))
    marked = [block for block in blocks if block.startswith(PREFIX + START.encode())]
    found = list(dict.fromkeys(marked or [block for block in blocks if _STATEMENT.search(block)]))
    if not found:
        raise GlassmasterError(
            f"{name}: holds no configuration",
            why="config(1) embeds one with `options INCLUDE_CONFIG_FILE`, as NetBSD's own XEN3 kernels have it",
        )
    if len(found) > 1:
        raise GlassmasterError(f"{name}: holds {len(found)} configurations", why="config(1) embeds one")
    return _parsed(list(_decoded(found[0], name)), name)


def _blocks(kernel: bytes) -> Iterator[bytes]:
    """Every string of the file all lines of which begin with the prefix and end."""
    position = kernel.find(PREFIX)
    while position >= 0:
        end = kernel.find(b"\0", position)
        end = len(kernel) if end < 0 else end
        block = kernel[position:end]
        if block.endswith(b"\n") and block.count(b"\n" + PREFIX) == block.count(b"\n") - 1:
            yield block
        # Within a string there is no second one: the first line alone can begin in its middle.
        position = kernel.find(PREFIX, max(end, position + len(PREFIX)))


def _decoded(block: bytes, name: str) -> Iterator[str]:
    for number, line in enumerate(block.decode("utf-8", "surrogateescape").split("\n")[:-1], 1):
        try:
            yield unvis(line[len(PREFIX) :])
        except ValueError as error:
            raise GlassmasterError(f"{name}: configuration, line {number}: broken", why=str(error)) from error


def _parsed(lines: list[str], name: str) -> EmbeddedConfig:
    if not lines[0].startswith(START):
        return EmbeddedConfig(ConfigFile("", tuple(lines)), ())
    file = _name(lines[0], name)
    try:
        end = lines.index(f'{END}"{file}"')
    except ValueError:
        raise GlassmasterError(f"{name}: the configuration breaks off", why=f"no line ends {file}") from None
    return EmbeddedConfig(ConfigFile(file, tuple(lines[1:end])), tuple(_includes(lines[end + 1 :], name)))


def _includes(lines: list[str], name: str) -> Iterator[ConfigFile]:
    file = ""
    own: list[str] | None = None
    for line in lines:
        if own is None:
            if not line.startswith(INCLUDED):
                raise GlassmasterError(f"{name}: the configuration is broken", why=f"outside of any file: {line}")
            file, own = _name(line, name), []
        elif line.startswith(INCLUDED_LINE):
            own.append(line[len(INCLUDED_LINE) :])
        elif line == f'{INCLUDED_END}"{file}")':
            yield ConfigFile(file, tuple(own))
            own = None
        else:
            raise GlassmasterError(f"{name}: the configuration is broken", why=f"in {file}: {line}")
    if own is not None:
        raise GlassmasterError(f"{name}: the configuration breaks off", why=f"no line ends {file}")


def _name(line: str, name: str) -> str:
    match = _MARKER.fullmatch(line)
    if match is None:
        raise GlassmasterError(f"{name}: the configuration is broken", why=f"it names no file: {line}")
    return match["name"]
