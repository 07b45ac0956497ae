r"""vis(3) encoding of names in mtree specifications.

Written: octal (VIS_OCTAL) for all but printable ASCII, and for the characters that mtree(5) or a shell glob would
read otherwise; NetBSD's own manifests use the same form (`./bin/\133`). Read: every form of vis(3).
"""

from __future__ import annotations

import re

_SAFE = frozenset(range(0x21, 0x7F)) - frozenset(b"\\#*?[")
_C_STYLE = {
    b"n": b"\n", b"r": b"\r", b"b": b"\b", b"a": b"\a", b"v": b"\v", b"t": b"\t", b"f": b"\f", b"s": b" ",
    b"E": b"\x1b", b"$": b"", b"\n": b"",
}  # fmt: skip
# Octal, hexadecimal, meta, meta control, control; or one character: of C's style, hidden, or standing for itself
# (newer vis(3) writes `\[`). Whatever is left is broken.
_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|M-([!-~])|M\^([?-_a-z])|\^([?-_a-z])|([!-LN-\[\]_-wy-~\\\n])|)",
    re.DOTALL,
)


def vis(text: str, also: str = "") -> str:
    r"""Encode a name; `also` names further characters to encode."""
    safe = _SAFE - frozenset(also.encode())
    return "".join(chr(byte) if byte in safe else f"\\{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))


def unvis(text: str) -> str:
    """Decode a name; bytes that are no UTF-8 become surrogate escapes. Raises ValueError for a broken escape."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_decoded, text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _decoded(escape: re.Match[bytes]) -> bytes:
    octal, hexadecimal, meta, meta_control, control, single = escape.groups()
    if octal and int(octal, 8) <= 0xFF:
        return bytes([int(octal, 8)])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if meta:
        return bytes([meta[0] | 0x80])
    if meta_control:
        return bytes([_control(meta_control) | 0x80])
    if control:
        return bytes([_control(control)])
    if single:
        return _C_STYLE.get(single, single)
    raise ValueError(f"broken vis(3) escape in {escape.string.decode('utf-8', 'replace')!r}")


def _control(character: bytes) -> int:
    return 0x7F if character == b"?" else character[0] & 0x1F
