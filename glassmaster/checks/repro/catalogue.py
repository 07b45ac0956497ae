"""The known sources of differences, and how each is recognised: by the bytes that differ, else by what was varied."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from glassmaster.checks.repro.contents import Pair
from glassmaster.checks.repro.result import Source

Facts = Mapping[str, object]
AROUND = 40
MOST = 4096
DAY = 86400
WIDTH = 60
POINTER_TOPS = (0x55, 0x56, 0x7E, 0x7F)
_NUMBER = re.compile(rb"(?<![0-9])[0-9]{9,10}(?![0-9])")
_YEAR = re.compile(rb"(?<![0-9])20[0-9]{2}(?![0-9])")
_HOUR = re.compile(rb"[0-2][0-9]:[0-5][0-9]")
_HEXADECIMAL = re.compile(rb"0x[0-9a-f]{6,16}")
_MODE = re.compile(r"mode ([0-7]+) -> ([0-7]+)")
_OWNER = re.compile(r"[ug]id (\d+) -> (\d+)")


@dataclass(frozen=True)
class Clues:
    """What is known beside the bytes: the facts about both surroundings, and when the builds were made."""

    plain: Facts
    other: Facts
    now: float


@dataclass(frozen=True)
class Known:
    """A source. look: the evidence for it in a pair, "" if there is none; varied: variations that point at it."""

    what: str
    cure: str
    look: Callable[[Pair, Clues], str]
    varied: tuple[str, ...] = ()


def likely(pairs: Sequence[Pair], clues: Clues, variation: str) -> tuple[Source, ...]:
    """The sources that the bytes show, first what the variation points at; if they show none, only the latter."""
    found = {}
    for known in sorted(CATALOGUE, key=lambda known: variation not in known.varied):
        for pair in pairs:
            evidence = known.look(pair, clues)
            if evidence and known.what not in found:
                found[known.what] = Source(known.what, f"{pair.name}: {evidence}", known.cure)
    if not found:
        return tuple(
            Source(known.what, f"nothing but {variation!r} was varied", known.cure)
            for known in CATALOGUE if variation in known.varied
        )  # fmt: skip
    return tuple(found.values())


def spans(pair: Pair) -> tuple[bytes, bytes]:
    """What lies between the first and the last byte that differ, with a little around it."""
    one, two = pair.plain, pair.other
    shorter = min(len(one), len(two))
    first = next((at for at in range(shorter) if one[at] != two[at]), shorter)
    same = 0
    while same < shorter - first and one[-1 - same] == two[-1 - same]:
        same += 1
    begin, end = max(0, first - AROUND), max(0, same - AROUND)
    return one[begin : len(one) - end][:MOST], two[begin : len(two) - end][:MOST]


def _word(*names: str) -> Callable[[Pair, Clues], str]:
    """Evidence: a fact about the surroundings stands in the bytes, each build's own in its own."""

    def look(pair: Pair, clues: Clues) -> str:
        for name in names:
            for facts, data, rest in ((clues.other, pair.other, pair.plain), (clues.plain, pair.plain, pair.other)):
                word = str(facts.get(name, ""))
                if len(word) > 3 and word.encode() in data and word.encode() not in rest:
                    return f"{word!r} is in one and not in the other"
        return ""

    return look


def _date(pair: Pair, clues: Clues) -> str:
    one, two = spans(pair)
    late = clues.now + 2 * DAY + DAY * float(str(clues.other.get("days", 0)))

    def times(data: bytes) -> list[int]:
        text = [int(match[0]) for match in _NUMBER.finditer(data)]
        words = [struct.unpack_from("<I", data, at)[0] for at in range(len(data) - 3)] if not data.isascii() else []
        return [number for number in (*text, *words) if clues.now - 2 * DAY < number < late]

    before, after = times(one), times(two)
    if before and after and before[0] != after[0]:
        return f"seconds since 1970: {before[0]} and {after[0]}"
    years = _YEAR.findall(one), _YEAR.findall(two)
    if years[0] != years[1] and years[0] and years[1]:
        return f"years: {years[0][0].decode()} and {years[1][0].decode()}"
    return ""


def _local_time(pair: Pair, clues: Clues) -> str:
    if clues.plain.get("offset") == clues.other.get("offset"):
        return ""
    one, two = (_HOUR.findall(span) for span in spans(pair))
    different = [pair for pair in zip(one, two, strict=False) if pair[0] != pair[1]]
    return f"times of day: {different[0][0].decode()} and {different[0][1].decode()}" if different else ""


def _owner(pair: Pair, clues: Clues) -> str:
    users = {str(clues.plain.get("user")), str(clues.other.get("user"))}
    match = _OWNER.search(pair.tree)
    if match and users & {match[1], match[2]} and len(users) > 1:
        return match[0]
    longest = max(users, key=len, default="")
    if len(users) > 1 and len(longest) > 1 and any(longest.encode() in span for span in spans(pair)):
        return f"{longest} is the number of a user who built"
    return ""


def _mode(pair: Pair, clues: Clues) -> str:
    match = _MODE.search(pair.tree)
    masks = int(str(clues.plain.get("umask", 0))) ^ int(str(clues.other.get("umask", 0)))
    if match and (int(match[1], 8) ^ int(match[2], 8)) & ~masks == 0:
        return match[0]
    return ""


def _order(pair: Pair, _: Clues) -> str:
    for separator, name in ((b"\n", "lines"), (b"\0", "strings"), (b" ", "words"), (b",", "items")):
        one, two = pair.plain.split(separator), pair.other.split(separator)
        if one != two and sorted(one) == sorted(two):
            return f"the same {name} in another order"
    return ""


def _pointer(pair: Pair, _: Clues) -> str:
    one, two = spans(pair)
    texts = _HEXADECIMAL.findall(one), _HEXADECIMAL.findall(two)
    if texts[0] and texts[1] and texts[0] != texts[1]:
        return f"{texts[0][0].decode()} and {texts[1][0].decode()}"
    for at in range(min(len(one), len(two)) - 7):
        values = [struct.unpack_from("<Q", data, at)[0] for data in (one, two)]
        if values[0] != values[1] and all(value >> 40 in POINTER_TOPS for value in values):
            return f"{values[0]:#x} and {values[1]:#x}, as addresses of programs are"
    return ""


def _locale(pair: Pair, clues: Clues) -> str:
    if clues.plain.get("encoding") == clues.other.get("encoding"):
        return ""
    one, two = spans(pair)
    if one != two and one.replace(b",", b".") == two.replace(b",", b"."):
        return "a decimal comma"
    if one != two and one.lower() == two.lower():
        return "upper and lower case"
    encoding = str(clues.other.get("encoding", "")).encode()
    return f"the name of the character set, {encoding.decode()}" if encoding and encoding in two else ""


def _nothing(_: Pair, __: Clues) -> str:
    return ""


CATALOGUE = (
    Known("a path", "give programs relative names", _word("directory", "home"), ("directory", "HOME")),
    Known("a host name", "leave it out", _word("host"), ("host name",)),
    Known("a uid", "take owners from the tree, never from the host", _owner, ("user",)),
    Known("a mode cut by the umask", "set modes by hand", _mode, ("umask",)),
    Known("an order", "sort what has no order", _order, ("listing", "hash seed", "jobs", "tmpfs")),
    Known("a local time", "work in UTC", _local_time, ("time zone",)),
    Known("a date", "take the recipe's epoch, never the clock", _date, ("clock",)),
    Known("a pointer", "write no addresses, and clear memory before it is written", _pointer, ("addresses",)),
    Known("a text of the locale", "run programs in C.UTF-8, and name encodings", _locale, ("locale",)),
    Known("the name of the kernel or machine", "name the target", _word("kernel", "machine"), ("kernel",)),
    Known("Python's version", "leave it out, and what depends on it", _word("python"), ("Python",)),
    Known("a hash value", "use hashlib where a hash is kept", _nothing, ("hash seed",)),
    Known("a size of the file system", "ask for the sizes of files only", _nothing, ("tmpfs",)),
    Known(
        "something that was left over", "put all that a step reads into its key", _nothing,
        ("warm store", "resumed", "incremental"),
    ),
    Known("a random number, seconds, or a race", "seed it; take the epoch; wait in order", _nothing, ("again",)),
)  # fmt: skip
