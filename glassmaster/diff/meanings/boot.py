"""The boot menu: entries, what they load and with which arguments, and what starts by itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from glassmaster.diff.model import Item, ItemKind, Section
from glassmaster.diff.pair import Pair

# GRUB's menu (grub.cfg) and that of NetBSD's own boot loader (boot.cfg(5)).
MENUS = ("boot/grub/grub.cfg", "boot.cfg")
# Commands of an entry that say what is started.
_LOADING = ("multiboot", "multiboot2", "module", "module2", "knetbsd", "kopenbsd", "linux", "initrd", "chainloader")
_SETTING = re.compile(r"set (timeout|default)=(.*)")
_RELEASE = re.compile(r" \([0-9a-f]{12}\)$")


def boot(pair: Pair) -> Section:
    """The section."""
    items: list[Item] = []
    for change in pair.changed():
        if change.path not in MENUS:
            continue
        if change.old and change.new and pair.no_bytes:
            detail = f"what it says is not known: {pair.no_bytes}"
            items.append(Item(f"/{change.path}", "changed", rule="boot", paths=(change.path,), detail=detail))
            continue
        before = _settings(pair.old_facts.text(change.path) or "", change.path)
        after = _settings(pair.new_facts.text(change.path) or "", change.path)
        for name in dict.fromkeys([*before, *after]):
            if before.get(name) != after.get(name):
                kind: ItemKind = "added" if name not in before else "removed" if name not in after else "changed"
                old, new = before.get(name, ""), after.get(name, "")
                items.append(Item(name, kind, old, new, "boot", (change.path,)))
    return Section("boot", tuple(items))


def _settings(text: str, path: str) -> Mapping[str, str]:
    return dict(_grub(text) if path.endswith("grub.cfg") else _boot_cfg(text))


def _grub(text: str) -> Iterator[tuple[str, str]]:
    """Timeout and default; of each entry the line of each program that it loads."""
    entry = ""
    for raw in text.splitlines():
        line = raw.strip()
        if match := _SETTING.fullmatch(line):
            yield match[1] if raw == line else f"{match[1]} (when not started from a CD drive)", match[2]
        elif line.startswith("menuentry "):
            entry = _title(line)
            yield f"entry {entry}", "in the menu"
        elif line == "}":
            entry = ""
        elif entry and line.split(" ")[0] in _LOADING:
            words = _words(line)
            yield f"entry {entry}: {words[1] if len(words) > 1 else words[0]}", " ".join(words[2:])


def _title(line: str) -> str:
    """The title of an entry, without the release id that ours end with."""
    words = _words(line)
    return _RELEASE.sub("", words[1]) if len(words) > 1 else line


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _boot_cfg(text: str) -> Iterator[tuple[str, str]]:
    """Lines NAME=VALUE; menu= comes several times, and is `title:commands`."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or line.startswith("#"):
            continue
        if name == "menu":
            title, _, commands = value.partition(":")
            yield f"entry {title}", commands
        else:
            yield name, value
