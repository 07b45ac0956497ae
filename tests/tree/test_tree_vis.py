"""vis(3): every form by hand, and Debian's mtree as a second opinion (see test_tree_mtree.py)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.tree.vis import unvis, vis

fixed = settings(derandomize=True, deadline=None, max_examples=300)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("plain-Name_1.0~", "plain-Name_1.0~"),
        ("[", r"\133"),
        ("]", "]"),
        ("a b", r"a\040b"),
        ("\t\n\r", r"\011\012\015"),
        ("#*?\\", r"\043\052\077\134"),
        ("ü", r"\303\274"),
        ("\x7f", r"\177"),
        ("a=b,c", "a=b,c"),
        ("caf\udce9", r"caf\351"),
        ("\x00", r"\000"),
        ("1\0012", r"1\0012"),
    ],
)
def test_what_is_written(text: str, encoded: str) -> None:
    assert vis(text) == encoded
    assert unvis(encoded) == text


def test_further_characters_can_be_encoded() -> None:
    assert vis("a=b,c", also=",=") == r"a\075b\054c"


# By vis(3), section "DESCRIPTION": VIS_OCTAL, VIS_CSTYLE, the default form with its meta characters, VIS_HTTPSTYLE
# not among them; and the hidden ones that unvis(3) knows.
@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        (r"\\", "\\"),
        (r"\\040", r"\040"),
        (r"\133", "["),
        (r"\0", "\0"),
        (r"\7x", "\7x"),
        (r"\18", "\x018"),
        (r"\1234", "S4"),
        (r"\377", "\udcff"),
        (r"\303\274", "ü"),
        (r"\n\r\b\a\v\t\f\s\E", "\n\r\b\a\v\t\f \x1b"),
        (r"\^A\^Z\^[\^\\^]\^^\^_\^@", "\x01\x1a\x1b\x1c\x1d\x1e\x1f\0"),
        (r"\^?", "\x7f"),
        (r"\M-C\M-<", "ü"),
        (r"\M-C\240", "à"),
        ("\\M-\\", "\udcdc"),
        (r"\M^?", "\udcff"),
        (r"\M-C\M^@", "À"),
        (r"\x41\x4z\xfF", "A\x04z\udcff"),
        (r"\[\*\?\#\=\~", "[*?#=~"),
        (r"\8\-", "8-"),
        (r"a\$b", "ab"),
        ("a\\\nb", "ab"),
        ("ünï", "ünï"),
        ("ünï\\040x", "ünï x"),
        ("", ""),
    ],
)
def test_every_form_is_read(encoded: str, text: str) -> None:
    assert unvis(encoded) == text


@pytest.mark.parametrize(
    "encoded",
    ["\\", "a\\", r"\400", r"\777", r"\M", r"\Ma", r"\M-", r"\M^", r"\^", r"\^!", r"\x", r"\xg", r"\ü", "\\ ", "\\\t"],
)
def test_broken_escapes_are_refused(encoded: str) -> None:
    with pytest.raises(ValueError, match=r"broken vis\(3\) escape in"):
        unvis(encoded)


@fixed
@given(st.binary())
def test_any_bytes_survive(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for also in ("", ",=", "/.0n"):
        encoded = vis(text, also)
        assert unvis(encoded) == text
        assert all("!" <= character <= "~" for character in encoded)
        assert not set(encoded) & set("#*?[" + also.replace("0", "").replace("n", ""))


@fixed
@given(st.text("\\M-^x01237[n$?\nü \udcff"))
def test_anything_is_read_or_refused(encoded: str) -> None:
    try:
        assert vis(unvis(encoded)).isascii()
    except ValueError as error:
        assert "broken" in str(error)
