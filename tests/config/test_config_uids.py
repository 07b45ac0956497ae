"""global/uids.mk against the numbers that images are made with."""

from __future__ import annotations

from glassmaster.config.check import check
from glassmaster.config.tree import read_config_tree
from glassmaster.inputs.pkgsrc.uids import Uids
from tests.config.conftest import Example

UIDS = Uids({"nginx": 1000, "mail": 1001}, {"nginx": 1000}, "pkgsets/uids.yaml")
MK = "global/uids.mk"


def said(example: Example, uids: Uids | None = UIDS) -> list[str]:
    tree = read_config_tree(example.root)
    return [f"{item.where}: {item.level}: {item.what}" for item in check(tree, None, uids)]


def test_the_same_numbers(example: Example) -> None:
    assert said(example) == []
    example.write(MK, "# roles\n\nPKG_UID.nginx=1000\nPKG_GID.nginx?=\t1000 # the web\nPKG_UID.mail= 1001\n")
    assert said(example) == []


def test_other_numbers(example: Example) -> None:
    example.write(MK, "PKG_UID.nginx=1001\nPKG_GID.nginx=1002\nPKG_UID.web=1001\nPKG_UID.a=7\nPKG_UID.b=7\n")
    assert said(example) == [
        f"{MK}:1: error: PKG_UID.nginx: 1001, and pkgsets/uids.yaml has 1000: packages and images would differ",
        f"{MK}:2: error: PKG_GID.nginx: 1002, and pkgsets/uids.yaml has 1000: packages and images would differ",
        f"{MK}:3: error: PKG_UID.web: 1001 is mail's in pkgsets/uids.yaml",
        f"{MK}:4: warning: PKG_UID.a: not in pkgsets/uids.yaml, where images take their numbers from",
        f"{MK}:5: error: PKG_UID.b: 7 is a's already",
    ]
    assert said(example, None) == []


def test_a_line_that_is_no_number(example: Example) -> None:
    example.write(MK, "PKG_UID.nginx=${X}\n")
    form = "not of the form PKG_UID.NAME=NUMBER or PKG_GID.NAME=NUMBER: not compared"
    assert said(example) == [f"{MK}:1: warning: {form}"]
