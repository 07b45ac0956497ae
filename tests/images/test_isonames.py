"""ISO 9660 identifiers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.images.isonames import identifiers

NAMES = st.text(st.one_of(st.sampled_from("aAb.B1_ -"), st.characters()), min_size=1, max_size=20)
IDENTIFIER = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")


@given(st.dictionaries(NAMES, st.booleans(), max_size=60))
def test_all_different_and_8_3(names: dict[str, bool]) -> None:
    made = identifiers(names.items())
    assert made.keys() == names.keys()
    assert len(set(made.values())) == len(names)
    for name, identifier in made.items():
        assert IDENTIFIER.fullmatch(identifier), (name, identifier)
        assert not (names[name] and "." in identifier)


@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=20, unique_by=lambda pair: pair[0]), st.randoms())
def test_the_order_does_not_matter(names: list[tuple[str, bool]], chance: object) -> None:
    assert identifiers(names) == identifiers(reversed(names))


@pytest.mark.parametrize(("name", "identifier"), [
    ("netbsd", "NETBSD"), ("xen.gz", "XEN.GZ"), ("grub.cfg", "GRUB.CFG"), ("a.b.c", "A_B.C"), (".profile", "_PROFILE"),
    ("longer-name.html", "LONGER_N.HTM"), ("x.", "X"), ("...", "__"), ("ünï", "_N_"), ("straße", "STRASSE"),
])  # fmt: skip
def test_what_netbsds_boot_loader_sees(name: str, identifier: str) -> None:
    assert identifiers([(name, False)]) == {name: identifier}


def test_twenty_thousand_equal_beginnings() -> None:
    made = identifiers((f"longname{number}.text", False) for number in range(20_000))
    assert len(set(made.values())) == 20_000
