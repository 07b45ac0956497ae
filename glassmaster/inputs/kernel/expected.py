"""Whether the configuration inside a kernel is the one that its role asks for."""

from __future__ import annotations

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.embedded import EmbeddedConfig
from glassmaster.inputs.kernel.statements import config_lines, top_config_lines, words
from glassmaster.recipe.model import Kernel

# What NetBSD's own configurations say: the root device is found at boot, or named on the command line.
STOCK_ROOT = ["netbsd", "root", "on", "?"]


def require_config(embedded: EmbeddedConfig, kernel: Kernel, role: str, name: str) -> None:
    """Raise GlassmasterError unless a kernel's `config` lines are what the recipe says. role: such as dom0, domu."""
    if kernel.source == "built":
        _require_built(embedded, kernel, role, name)
    else:
        _require_stock(embedded, role, name)


def _require_built(embedded: EmbeddedConfig, kernel: Kernel, role: str, name: str) -> None:
    expected = tuple(" ".join(words(line)) for line in kernel.build.config)
    own, all_of_them = top_config_lines(embedded), config_lines(embedded)
    if sorted(own) != sorted(expected) or sorted(all_of_them) != sorted(expected):
        raise GlassmasterError(
            f"{name}: the {role} kernel is not configured as the recipe says",
            why="\n".join([*_shown("the recipe's kernel.build.config", expected), *_shown("in the kernel", all_of_them),
                           *(_shown(f"in its top file {embedded.top.name}", own) if own != all_of_them else [])]),
            hint="`doit kernel-config FILE` shows all that a kernel was configured with",
        )  # fmt: skip


def _require_stock(embedded: EmbeddedConfig, role: str, name: str) -> None:
    found = config_lines(embedded)
    if len(found) != 1 or words(found[0])[: len(STOCK_ROOT)] != STOCK_ROOT:
        raise GlassmasterError(
            f"{name}: not a stock {role} kernel",
            why="\n".join([*_shown("expected", (" ".join([*STOCK_ROOT, "…"]),)), *_shown("in the kernel", found)]),
            hint="a prebuilt kernel gets its root device by boot.root; for a built-in one say kernel.source: built",
        )


def _shown(what: str, lines: tuple[str, ...]) -> list[str]:
    return [f"{what}:", *(f"  config {line}" for line in lines or ["(none)"])]
