"""Lines of a kernel configuration: what they say (NetBSD, config.5 and usr.bin/config/gram.y).

Only as far as it is needed: `include`, `options`, and `config NAME root on DEVICE …` with `no config NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.embedded import EmbeddedConfig

# Files may include files that include files; a circle would have no end.
DEPTH_LIMIT = 20
# A word, or a string with everything in it; a # begins a comment, but not inside of a string.
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"#]+|(#.*)')

# The lines of an included file, or None where there is none.
Read = Callable[[str], Iterable[str] | None]


def words(line: str) -> list[str]:
    """The words of a line, without its comment; strings keep their quotes."""
    return [match[0] for match in _WORD.finditer(line) if match[1] is None]


def statements(lines: Iterable[str], read: Read, depth: int = 0) -> Iterator[list[str]]:
    """The words of each statement, with those of included files in their place."""
    if depth > DEPTH_LIMIT:
        raise GlassmasterError("the configuration's files include each other without end")
    for line in lines:
        found = words(line)
        if len(found) == 2 and found[0] in ("include", "cinclude"):
            inner = read(found[1].strip('"'))
            # A file that is not there is none (cinclude), or is somebody else's to complain about.
            if inner is not None:
                yield from statements(inner, read, depth + 1)
        elif found:
            yield found


def config_statements(found: Iterable[list[str]]) -> tuple[str, ...]:
    """The `config` statements that hold in the end, without that word; `no config NAME` takes an earlier one back."""
    holding: dict[str, str] = {}
    for statement in found:
        match statement:
            case ["no", "config", name]:
                holding.pop(name, None)
            case ["config", name, *rest]:
                holding[name] = " ".join([name, *rest])
    return tuple(holding.values())


def top_config_lines(embedded: EmbeddedConfig) -> tuple[str, ...]:
    """The `config` lines of the top file, without that word and with single spaces; `no config` counts for nothing."""
    found = map(words, embedded.top.lines)
    return tuple(" ".join(statement[1:]) for statement in found if statement[:1] == ["config"])


def config_lines(embedded: EmbeddedConfig) -> tuple[str, ...]:
    """The `config` statements that hold in a kernel, those of included files among them."""
    return config_statements(statements(embedded.top.lines, included(embedded)))


def included(embedded: EmbeddedConfig) -> Read:
    """What finds a kernel's included files by name, for one walk through its statements."""
    left: dict[str, list[tuple[str, ...]]] = {}
    for file in embedded.includes:
        left.setdefault(file.name, []).append(file.lines)

    def read(name: str) -> Iterable[str] | None:
        blocks = left.get(name)
        return blocks.pop(0) if blocks else None

    return read
