"""@exec commands of packing lists that are known, done on entries; docs/packages-install.md lists them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection
from pathlib import PurePosixPath

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.contents import Exec
from glassmaster.inputs.pkgsrc.placing import Place, tree_path

# A redirection into nothing changes nothing. A digit right behind a word is part of the word.
_SILENCE = re.compile(r"(?:\s+[12]?|(?<=[^\s0-9>&]))>\s*/dev/null(?=[\s;&|]|$)|\s+2>&1(?=[\s;&|]|$)")
# The shell would make something else of these.
_SHELL = re.compile(r"[$`*?<>|&;(){}~#\\\n]")
_OPERATORS = ("&&", "||", ";")
# They change no file, or one that programs on NetBSD do without: ELF programs know where their libraries are.
WITHOUT_EFFECT = (":", "echo", "ldconfig", "printf", "true")


class _UnknownError(Exception):
    """Not a command, option or form that is known."""


def run_exec(step: Exec, prefix: str, place: Place, harmless: Collection[str]) -> None:
    """Do what an @exec line would do below `place`. `harmless` lists commands, as they stand, to be left out.

    Anything that is not known exactly is an error: nothing is guessed, nothing is run.
    """
    if step.command in harmless:
        return
    where = f"{place.package}: +CONTENTS:{step.line}: @exec {step.command}"
    try:
        _and_or_list(_words(step, prefix), _Shell(prefix, place, where))
    except _UnknownError as error:
        raise GlassmasterError(
            where, why=f"this command is not known here ({error}), and nothing is run",
            hint="if the image does without it, list the command, as it stands, in the recipe as harmless",
        ) from error  # fmt: skip


def _words(step: Exec, prefix: str) -> list[str]:
    try:
        lexer = shlex.shlex(_SILENCE.sub("", step.command), posix=True, punctuation_chars=";&|<>()")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError as error:
        raise _UnknownError(str(error)) from error
    return [word if word in _OPERATORS else _expanded(word, step.last_file, prefix) for word in words]


def _expanded(word: str, last_file: str, prefix: str) -> str:
    """%D the prefix, %F the last file, %B and %f its directory and name (pkg_install's lib/file.c, format_cmd)."""
    if _SHELL.search(word):
        raise _UnknownError(f"{word}: a shell would read this in its own way")
    if re.search("%[FBf]", word) and not last_file:
        raise _UnknownError("no file stands before it")
    full = PurePosixPath(prefix) / last_file
    values = {"%D": prefix, "%F": last_file, "%B": str(full.parent), "%f": full.name}
    return re.sub("%[DFBf]", lambda match: values[match[0]], word)


def _and_or_list(words: list[str], shell: _Shell) -> bool:
    """Simple commands with && and || and ; between, from left to right."""
    status, operator = True, ";"
    command: list[str] = []
    for word in [*words, ";"]:
        if word not in _OPERATORS:
            command.append(word)
            continue
        if command and (operator == ";" or status == (operator == "&&")):
            status = shell.run(command)
        elif not command and word != ";":
            raise _UnknownError(f"nothing stands before {word}")
        command, operator = [], word
    return status


class _Shell:
    """The simple commands; all work in the prefix."""

    def __init__(self, prefix: str, place: Place, where: str) -> None:
        self.prefix, self.place, self.where = prefix, place, where

    def run(self, argv: list[str]) -> bool:
        name = argv[0].rpartition("/")[2]
        if name in WITHOUT_EFFECT:
            return True
        if name in ("test", "["):
            return self.test(argv[1:-1] if name == "[" else argv[1:])
        known: dict[str, tuple[str, Callable[[dict[str, str], list[str]], None]]] = {
            "mkdir": ("pm:", self.mkdir), "install": ("cdm:o:g:", self.install), "ln": ("sfnh", self.ln),
            "chmod": ("", self.chmod), "chown": ("", self.chown), "chgrp": ("", self.chgrp),
            "cp": ("pf", self.cp), "touch": ("c", self.touch), "rm": ("f", self.rm),
        }  # fmt: skip
        if name not in known:
            raise _UnknownError(name)
        allowed, command = known[name]
        command(*_options(argv[1:], allowed))
        return True

    def path(self, word: str) -> str:
        return tree_path(word if word.startswith("/") else f"{self.prefix}/{word}", self.where)

    def test(self, words: list[str]) -> bool:
        negated = words[:1] == ["!"]
        match words[negated:]:
            case ["-f" | "-d" | "-e" | "-h" | "-L" as kind, path]:
                found = self.place.find(self.path(path))
                kinds = {"-f": ["file"], "-d": ["dir"], "-h": ["link"], "-L": ["link"]}
                return (found is not None and found.kind in kinds.get(kind, [found.kind])) != negated
        raise _UnknownError("test " + " ".join(words))

    def mkdir(self, options: dict[str, str], words: list[str]) -> None:
        for word in words:
            self.place.directory(self.path(word), self.where, options.get("m", ""))

    def install(self, options: dict[str, str], words: list[str]) -> None:
        attributes = [options.get("m", "0755"), options.get("o", ""), options.get("g", "")]
        if "d" in options:
            for word in words:
                self.place.directory(self.path(word), self.where, *attributes)
        else:
            source, target = self.two(words)
            self.place.copy(source, target, self.where, *attributes)

    def ln(self, options: dict[str, str], words: list[str]) -> None:
        if "s" not in options or len(words) != 2:
            raise _UnknownError("ln: only ln -s TARGET LINK is")
        path = self.into(self.path(words[1]), words[0], follow="n" not in options and "h" not in options)
        if "f" not in options and self.place.find(path) is not None:
            raise GlassmasterError(f"{self.where}: /{path} is there already")
        self.place.link(path, words[0])

    def chmod(self, _options: dict[str, str], words: list[str]) -> None:
        for word in words[1:]:
            self.place.permit(self.path(word), self.where, mode=words[0])

    def chown(self, _options: dict[str, str], words: list[str]) -> None:
        user, _, group = words[0].partition(":") if words else ("", "", "")
        for word in words[1:]:
            self.place.permit(self.path(word), self.where, user=user, group=group)

    def chgrp(self, _options: dict[str, str], words: list[str]) -> None:
        for word in words[1:]:
            self.place.permit(self.path(word), self.where, group=words[0])

    def cp(self, options: dict[str, str], words: list[str]) -> None:
        copy = self.place.copy_as_is if "p" in options else self.place.copy
        copy(*self.two(words), self.where)

    def touch(self, options: dict[str, str], words: list[str]) -> None:
        for word in words:
            if self.place.find(self.path(word)) is None and "c" not in options:
                self.place.file(self.path(word), b"")

    def rm(self, _options: dict[str, str], words: list[str]) -> None:
        for word in words:
            if self.place.find(self.path(word)) is not None:
                raise _UnknownError(f"rm of {word}, which is there")

    def two(self, words: list[str]) -> tuple[str, str]:
        """Source and target of a copy; a target that is a directory gets a file of the source's name."""
        if len(words) != 2:
            raise _UnknownError("a copy of other than one file")
        return self.path(words[0]), self.into(self.path(words[1]), words[0])

    def into(self, path: str, source: str, *, follow: bool = True) -> str:
        found = self.place.find(path)
        if found is not None and found.kind == "link" and follow:
            raise _UnknownError(f"/{path} is a symbolic link")
        name = source.rstrip("/").rpartition("/")[2]
        return f"{path}/{name}" if found is not None and found.kind == "dir" else path


def _options(words: list[str], allowed: str) -> tuple[dict[str, str], list[str]]:
    """The options and operands of a command; a colon after a letter: it takes a value, as in getopt(3)."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        for at, letter in enumerate(word[1:], 1):
            if letter == ":" or letter not in allowed:
                raise _UnknownError(f"the option -{letter}")
            if allowed[allowed.index(letter) + 1 :].startswith(":"):
                value = word[at + 1 :] or (rest.pop(0) if rest else "")
                if not value:
                    raise _UnknownError(f"-{letter} without its value")
                options[letter] = value
                break
            options[letter] = ""
    if not rest:
        raise _UnknownError("no operand")
    return options, rest
