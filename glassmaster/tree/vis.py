r"""vis(3) encoding of names in mtree specifications.

Written: octal (VIS_OCTAL) for all but printable ASCII, and for the characters that mtree(5) or a shell glob would
read otherwise; NetBSD's own manifests use the same form (`./bin/\133`). Read: every form of vis(3).
"""

from __future__ import annotations

import re

_SAFE = frozenset(range(0x21, 0x7F)) - frozenset(b"\\#*?[")
_C_STYLE = {
    "n": b"\n", "r": b"\r", "b": b"\b", "a": b"\a", "v": b"\v", "t": b"\t", "f": b"\f", "s": b" ", "E": b"\x1b",
    "\\": b"\\", "#": b"#", "$": b"", "\n": b"",
}  # fmt: skip
_OCTAL = re.compile(r"[0-7]{1,3}")


def vis(text: str, also: str = "") -> str:
    r"""Encode a name; `also` names further characters to encode."""
    safe = _SAFE - frozenset(also.encode())
    return "".join(chr(byte) if byte in safe else f"\\{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))


def unvis(text: str) -> str:
    """Decode a name; bytes that are no UTF-8 become surrogate escapes. Raises ValueError for a broken escape."""
    if "\\" not in text:
        return text
    out = bytearray()
    at = 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode("utf-8", "surrogateescape")
            at += 1
        else:
            decoded, at = _escape(text, at + 1)
            out += decoded
    return out.decode("utf-8", "surrogateescape")


def _escape(text: str, at: int) -> tuple[bytes, int]:
    rest = text[at:]
    octal = _OCTAL.match(rest)
    if octal:
        return bytes([_byte(int(octal[0], 8), text)]), at + octal.end()
    if rest[:1] in _C_STYLE:
        return _C_STYLE[rest[0]], at + 1
    if rest[:1] == "^" and len(rest) > 1:
        return bytes([_control(rest[1])]), at + 2
    if rest[:2] == "M-" and len(rest) > 2:
        return bytes([_byte(ord(rest[2]), text) | 0x80]), at + 3
    if rest[:2] == "M^" and len(rest) > 2:
        return bytes([_control(rest[2]) | 0x80]), at + 3
    raise ValueError(f"broken vis(3) escape in {text!r}")


def _control(character: str) -> int:
    return 0x7F if character == "?" else ord(character) & 0x1F


def _byte(value: int, text: str) -> int:
    if value > 0xFF:
        raise ValueError(f"broken vis(3) escape in {text!r}")
    return value
