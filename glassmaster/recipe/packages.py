"""What a recipe can say of packages. Each field is declared here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glassmaster.recipe.setting import setting
from glassmaster.recipe.values import absolute_path, code_digits, one_line, plain_words, repository


@dataclass(frozen=True)
class Packages:
    """Binary packages of pkgsrc, installed on this machine as pkg_add would on NetBSD."""

    repository: tuple[str, ...] = setting(
        "Where the packages lie: URLs (https:, http:, file:) of the directory that holds All, all with the same "
        "packages. Empty for the stand-in, which has packages of its own.",
        default=(),
        convert=repository,
    )
    sets: tuple[str, ...] = setting(
        "The pkgsets, from pkgsets/, in the order in which they are read.", convert=plain_words
    )
    services: tuple[str, ...] = setting(
        "The rc.d scripts of packages that are on, by the names of the scripts. All others are off in the image's "
        "/etc/defaults/rc.conf, as pkgsrc leaves them; overlays and a machine's own rc.conf can say otherwise.",
        default=(),
        convert=plain_words,
    )
    moving: bool = setting(
        "Whether a repository may be one whose URL leads to other packages every few months, such as …/amd64/10.0. "
        "Otherwise `doit lock` refuses it and asks for one like …/amd64/10.0_2026Q2.",
        default=False,
    )
    harmless: tuple[str, ...] = setting(
        "Commands of packages' @exec lines that are left out, exactly as they stand there. Any other that is not known "
        "stops the build.",
        default=(),
        convert=one_line,
    )
    own_code: Mapping[str, str] = setting(
        "Packages (names without versions) whose own code in +INSTALL is left out, each with the digits that the build "
        "prints for this code. Any other such code stops the build.",
        default_factory=dict,
        convert=code_digits,
    )
    database: str = setting(
        "Directory of the package database on the image. Where this is silent it is NetBSD's own: /var/db/pkg up to "
        "NetBSD 9, /usr/pkg/pkgdb later.",
        default="",
        convert=absolute_path,
    )
    key: str = setting(
        "File, seen from the repository, with the OpenPGP keys or PEM certificates that all packages must be signed "
        "by. Without it signatures are not asked for.",
        default="",
        convert=one_line,
    )
