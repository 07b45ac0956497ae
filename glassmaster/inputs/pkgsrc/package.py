"""One package as pkg_summary(5) describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc import patterns

SUFFIX = ".tgz"
_FILE_NAME = re.compile(r"[A-Za-z0-9_][!-.0-~]*", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_DIGEST = re.compile(r"([A-Za-z0-9]+) ([0-9a-f]{32,128})", re.ASCII)


@dataclass(frozen=True)
class Package:
    """A binary package of a repository.

    name: with the version. size: of what it installs, in bytes. file_size: of its file, in bytes, None where the
    summary does not say. file_digest: the name of the digest and its hex digits, or nothing. requires, provides:
    absolute paths of shared libraries. where: the place of its record.
    """

    name: str
    where: str
    depends: tuple[str, ...]
    conflicts: tuple[str, ...]
    supersedes: tuple[str, ...]
    requires: tuple[str, ...]
    provides: tuple[str, ...]
    file_name: str
    file_size: int | None
    file_digest: tuple[str, str] | None
    size: int
    opsys: str
    os_version: str
    machine_arch: str
    pkgpath: str
    license: str
    comment: str
    homepage: str
    build_date: str

    @property
    def base(self) -> str:
        """The name without the version."""
        return patterns.base_of(self.name)

    @property
    def version(self) -> str:
        """The version."""
        return patterns.version_of(self.name)


def package(text: str, where: str) -> Package:
    """Read one record, each line after a line break; raises GlassmasterError where it is of no use.

    The platform must be there, as for pkg_add(1), and the size; other lines may be missing.
    """
    values: dict[str, list[str]] = {}
    for line in text[1:].split("\n"):
        variable, _, value = line.partition("=")
        values.setdefault(variable, []).append(value)
    name = _one(values, "PKGNAME", where)
    digest = _one(values, "FILE_CKSUM", where, "")
    return Package(
        name=name,
        where=where,
        depends=_patterns(values, "DEPENDS", where),
        conflicts=_patterns(values, "CONFLICTS", where),
        # pkgsrc writes them all into one line (mk/pkgformat/pkg/metadata.mk); pkg_summary(5) has one a line.
        supersedes=_patterns(values, "SUPERSEDES", where, apart=True),
        requires=_many(values, "REQUIRES"),
        provides=_many(values, "PROVIDES"),
        file_name=_matching(_FILE_NAME, _one(values, "FILE_NAME", where, name + SUFFIX), "FILE_NAME", where),
        file_size=_number(values, "FILE_SIZE", where) if "FILE_SIZE" in values else None,
        file_digest=_digest(digest, where) if digest else None,
        size=_number(values, "SIZE_PKG", where),
        opsys=_one(values, "OPSYS", where),
        os_version=_one(values, "OS_VERSION", where),
        machine_arch=_one(values, "MACHINE_ARCH", where),
        pkgpath=_one(values, "PKGPATH", where, ""),
        license=_one(values, "LICENSE", where, ""),
        comment=_one(values, "COMMENT", where, ""),
        homepage=_one(values, "HOMEPAGE", where, ""),
        build_date=_one(values, "BUILD_DATE", where, ""),
    )


def _many(values: dict[str, list[str]], variable: str) -> tuple[str, ...]:
    """All lines of a variable; an empty one says nothing."""
    return tuple(filter(None, values.get(variable, ())))


def _one(values: dict[str, list[str]], variable: str, where: str, default: str | None = None) -> str:
    found = values.get(variable, [])
    if len(found) > 1:
        raise GlassmasterError(f"{where}: {variable} stands there {len(found)} times")
    if not found and default is None:
        raise GlassmasterError(f"{where}: {variable} is missing")
    return found[0] if found else default or ""


def _number(values: dict[str, list[str]], variable: str, where: str) -> int:
    return int(_matching(_DIGITS, _one(values, variable, where), variable, where))


def _matching(form: re.Pattern[str], text: str, variable: str, where: str) -> str:
    if not form.fullmatch(text):
        raise GlassmasterError(f"{where}: {variable} cannot be {text[:60]!r}")
    return text


def _digest(text: str, where: str) -> tuple[str, str]:
    kind, _, digits = _matching(_DIGEST, text, "FILE_CKSUM", where).partition(" ")
    return kind, digits


def _patterns(values: dict[str, list[str]], variable: str, where: str, *, apart: bool = False) -> tuple[str, ...]:
    """The patterns of a variable, one a line; apart: or several in a line, with blanks between them."""
    lines = _many(values, variable)
    found = tuple(word for line in lines for word in line.split()) if apart else lines
    for text in found:
        try:
            patterns.check(text)
        except GlassmasterError as error:
            raise GlassmasterError(f"{where}: {variable}={text[:60]}: {error.what}", why=error.why) from error
    return found
