"""The packing list of a package, +CONTENTS (pkg_create(1)), read as pkg_add reads it (pkg_install's lib/plist.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from glassmaster.errors import GlassmasterError
from glassmaster.tree.path import normalized

SPACE = " \t\n\v\f\r"  # isspace(3) in the C locale
MD5, SYMLINK = "MD5:", "Symlink:"
# In the order of plist.c: a line belongs to the first word that it begins with, so that @ignore_inst is an @ignore.
WORDS = (
    "cwd", "src", "exec", "unexec", "mode", "owner", "group", "comment", "ignore", "name", "display", "pkgdep",
    "pkgcfl", "pkgdir", "dirrm", "option", "blddep",
)  # fmt: skip
RESETTABLE = ("mode", "owner", "group", "comment")
_MD5_HEX = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[^\s/]+-[^\s/-]+")


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file or link of the list. path is relative to the prefix; md5 and link are "" where no comment gives them.

    mode, owner, group: what @mode, @owner and @group before it say, otherwise "".
    """

    path: str
    line: int
    md5: str = ""
    link: str = ""
    mode: str = ""
    owner: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Exec:
    """A command to run when the files before it are there: the line as it stands, and the last file (%F), or ""."""

    command: str
    last_file: str
    line: int


@dataclass
class Contents:
    """A packing list. prefix is absolute, without a slash at its end; directories are relative to it.

    steps: files, directories of @pkgdir (as text) and commands in the order of the list.
    """

    name: str = ""
    prefix: str = ""
    steps: list[PackedFile | Exec | str] = field(default_factory=list)
    depends: list[str] = field(default_factory=list)
    build_depends: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    unexec: list[str] = field(default_factory=list)

    @property
    def files(self) -> Iterator[PackedFile]:
        """The files and links, in the order of the list."""
        return (step for step in self.steps if isinstance(step, PackedFile))

    @property
    def directories(self) -> Iterator[str]:
        """The directories of @pkgdir, in the order of the list."""
        return (step for step in self.steps if isinstance(step, str))


def parse_contents(data: bytes, package: str) -> Contents:
    """Read a packing list. Errors name `package` and the line.

    Where pkg_add warns and goes on (an unknown @word), this is an error: pkg_create writes no such line.
    """
    return _Reader(f"{package}: +CONTENTS").read(data.decode("utf-8", "surrogateescape"))


class _Reader:
    """What pkg_add knows while it walks through the list."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.where = file
        self.contents = Contents()
        self.attributes = {"mode": "", "owner": "", "group": ""}
        self.seen: set[str] = set()
        self.last_file = ""
        self.elsewhere = ""  # a second @cwd

    def read(self, text: str) -> Contents:
        if "\0" in text:
            raise GlassmasterError(f"{self.file}: not a text")
        lines = [(number, line.rstrip(SPACE)) for number, line in enumerate(text.split("\n"), 1)]
        entries = iter([(number, line) for number, line in lines if line])
        last: PackedFile | None = None
        for number, line in entries:
            self.where = f"{self.file}:{number}"
            if not line.startswith("@"):
                last = self.file_entry(line, number)
                continue
            word, argument = self.split(line)
            if word == "comment" and last is not None:
                self.contents.steps[-1] = self.commented(last, argument)
            elif word == "ignore":
                next(entries, None)
            else:
                self.command(word, argument, number)
            last = None
        if not self.contents.name or not self.contents.prefix:
            missing = "@cwd" if self.contents.name else "@name"
            raise GlassmasterError(f"{self.file}: it has no {missing}", why="pkg_add refuses such a package, too")
        return self.contents

    def split(self, line: str) -> tuple[str, str]:
        """The word of an @-line and its argument."""
        for word in WORDS:
            if line.startswith(word, 1):
                argument = line[1 + len(word) :].lstrip(SPACE)
                if not argument and word not in (*RESETTABLE, "ignore"):
                    raise GlassmasterError(f"{self.where}: @{word} says nothing")
                return word, argument
        raise GlassmasterError(
            f"{self.where}: unknown command {line.split()[0]}", why="pkg_create writes no such line",
            hint="the package was not made by pkg_create, or is newer than this program",
        )  # fmt: skip

    def file_entry(self, line: str, number: int) -> PackedFile:
        if self.elsewhere:
            raise GlassmasterError(
                f"{self.where}: {line}: a file after a second @cwd {self.elsewhere}",
                why="pkg_add puts all files below the first one, and the database would say otherwise",
            )
        path = normalized(line, self.where)
        if path in self.seen or path == ".":
            raise GlassmasterError(f"{self.where}: {path}: listed twice")
        self.seen.add(path)
        self.last_file = path
        file = PackedFile(path, number, **self.attributes)
        self.contents.steps.append(file)
        return file

    def commented(self, file: PackedFile, comment: str) -> PackedFile:
        """The file with what the comment right after it says of it."""
        md5, link = "", ""
        if comment.startswith(MD5):
            md5 = comment.removeprefix(MD5)
            if not _MD5_HEX.fullmatch(md5):
                raise GlassmasterError(f"{self.where}: {file.path}: {comment}: not an MD5 digest")
        elif comment.startswith(SYMLINK):
            link = comment.removeprefix(SYMLINK)
        return PackedFile(file.path, file.line, md5, link, file.mode, file.owner, file.group)

    def command(self, word: str, argument: str, number: int) -> None:
        contents = self.contents
        match word:
            case "mode" | "owner" | "group":
                self.attributes[word] = argument
            case "name":
                self.name(argument)
            case "cwd":
                self.cwd(argument)
            case "exec":
                contents.steps.append(Exec(argument, self.last_file, number))
            case "unexec":
                contents.unexec.append(argument)
            case "pkgdep":
                contents.depends.append(argument)
            case "blddep":
                contents.build_depends.append(argument)
            case "pkgcfl":
                contents.conflicts.append(argument)
            case "option":
                contents.options.append(argument)
            case "pkgdir":
                contents.steps.append(normalized(argument, self.where))
            case _:  # comment, src, display, dirrm: nothing that pkg_add does when it installs
                pass

    def name(self, argument: str) -> None:
        """The first @name counts; it becomes a directory's name in the database."""
        if not _NAME.fullmatch(argument) or argument.startswith("."):
            raise GlassmasterError(f"{self.where}: {argument!r} is not the name of a package")
        self.contents.name = self.contents.name or argument

    def cwd(self, argument: str) -> None:
        """The first @cwd is the prefix; `.` after it stands for the package's directory in the database."""
        if self.contents.prefix:
            self.elsewhere = "" if argument in (self.contents.prefix, f"{self.contents.prefix}/") else argument
            return
        if not argument.startswith("/"):
            raise GlassmasterError(f"{self.where}: @cwd {argument}: not an absolute path")
        self.contents.prefix = "/" + normalized(argument.lstrip("/"), self.where).removeprefix(".")
