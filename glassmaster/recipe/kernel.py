"""What must hold across the fields of a kernel that is built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from glassmaster.recipe.model import Kernel

# What sources and tools cannot do without; whether more is needed is the release's matter (release(7)).
KERNEL_SOURCES = "syssrc"
# The kernel that the menu starts.
MAIN_KERNEL = "netbsd"
# The embedded configuration is what the finished kernel is checked by.
EMBEDDING = "INCLUDE_CONFIG_FILE"
# Set here for every kernel: by them, equal inputs are equal kernels.
OWN_VARIABLES = ("MKREPRO", "MKREPRO_TIMESTAMP")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")

Problem = tuple[str, str, str]


def kernel_problems(kernel: Kernel) -> Iterator[Problem]:
    """Each problem as the field of kernel.build that it is in, what is wrong, and why that cannot be."""
    build = kernel.build
    if build.name == kernel.config:
        yield "name", f"{build.name} is the name of NetBSD's own configuration", "the one made here includes that one"
    names = [line.split()[0] for line in build.config]
    if MAIN_KERNEL not in names:
        yield "config", f"no line makes {MAIN_KERNEL}", f"the menu starts /{MAIN_KERNEL}"
    if KERNEL_SOURCES not in build.sets:
        yield "sets", f"{KERNEL_SOURCES} is missing", "it holds the kernel's sources"
    added = [_option_name(option) for option in build.options]
    lists: Sequence[tuple[str, Sequence[str]]] = (
        ("config", names), ("options", added), ("no_options", build.no_options), ("sets", build.sets),
        ("patches", build.patches),
    )  # fmt: skip
    for key, words in lists:
        if doubled := sorted({word for word in words if words.count(word) > 1}):
            yield key, f"twice: {', '.join(doubled)}", "one of them is enough, or they contradict each other"
    if both := sorted({*added} & {*build.no_options}):
        yield "no_options", f"also under options: {', '.join(both)}", "an option is there or it is not"
    if EMBEDDING in build.no_options:
        yield "no_options", f"{EMBEDDING} must stay", "the finished kernel is checked by the configuration inside it"
    for key, variables in (("environment", build.environment), ("make", build.make)):
        for name in variables:
            if not _VARIABLE.fullmatch(name):
                yield key, f"{name!r} is no name of a variable", "letters, digits, _ and ., no digit first"
            if name in OWN_VARIABLES:
                yield key, f"{name} is set for every kernel", "by it, equal inputs make equal kernels"


def _option_name(option: str) -> str:
    return option.partition("=")[0]
