"""Our matching of package patterns against NetBSD's own, on generated pairs that are meant to be awkward.

PKG_MATCH_PROGRAM=PATH .venv/bin/python -m tests.real.pattern_pairs --pairs 100000 --seed 1

The program is to be built by hand, outside the repository, of pkg_install's lib/dewey.c and lib/opattern.c and of
NetBSD's fnmatch.c. It reads records of four fields, each ended by a NUL byte: kind, pattern, name, other name. For the
kind `m` it answers pkg_match(pattern, name), for `o` pkg_order(pattern, name, other name), for `n`
pkg_order(pattern, name, NULL): one digit each, or F where pkg_install would end with an error; no line breaks.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from collections import Counter

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.patterns import match, order

SHOWN = 40
NAMES = ["foo", "bar", "fo", "Foo", "f", "py312-foo", "py3-x", "a-b", "foo-bar", "xentools420", "mpg123-nas", "", ".f"]
WORDS = [
    "alpha", "beta", "rc", "pre", "pl", "nb", "ALPHA", "RC", "Pl", "NB", "al", "b", "a", "z", "p", "r", "n", "_", ".",
]  # fmt: skip
NUMBERS = [
    "0", "1", "2", "3", "9", "10", "50", "00", "01", "007", "20260610", "2147483647", "2147483648", "4294967295",
    "4294967296", "20260610123456", "99999999999999999999999999999999999999",
]  # fmt: skip
TESTS = ["<", "<=", ">", ">=", "==", "!=", ">==", "<<", "=<", "=>", "<>"]
GLOBS = [
    "-[0-9]*", "*", "?", "[0-9]*", "[!0-9]*", "[^a-z]", "[]a]", "[a", "[0-9", "[a-]", "[-a]", "[\\]]", "[!]x", "\\*",
    "\\-", "[9-0]", "[a-c-e]", "**", "*-*", "[[:digit:]]", "[.]*", "-[1-9]?", "]",
]  # fmt: skip
NOISE = [" ", "\t", "-", "--", "~", "+", ",", "}", "{", "{}", "{,}", "/", "%s", "\x01", "=", "!"]


def version(draw: random.Random) -> str:
    """A version, more often than not one that could be."""
    if draw.random() < 0.6:
        parts = [".".join(draw.choice(NUMBERS[:8]) for _ in range(draw.randint(1, 3)))]
        if draw.random() < 0.5:
            parts.append(draw.choice(WORDS) + draw.choice(["", *NUMBERS[:6]]))
        if draw.random() < 0.4:
            parts.append("nb" + draw.choice(["", *NUMBERS[:6]]))
        return "".join(parts)
    return "".join(draw.choice(draw.choice([WORDS, NUMBERS, NUMBERS, NOISE])) for _ in range(draw.randint(0, 5)))


def name(draw: random.Random) -> str:
    """A package's name with its version, or nearly."""
    text = draw.choice(NAMES)
    return text if draw.random() < 0.05 else f"{text}-{version(draw)}"


def pattern(draw: random.Random, depth: int = 0) -> str:
    """A pattern of any kind, at times damaged."""
    kind = draw.random()
    if kind < 0.4:
        text = draw.choice(NAMES) + draw.choice(TESTS[:4] * 5 + TESTS) + version(draw)
        if draw.random() < 0.4:
            text += draw.choice(TESTS[:4]) + version(draw)
    elif kind < 0.6:
        text = draw.choice([draw.choice(NAMES), name(draw)]) + draw.choice(GLOBS)
        if draw.random() < 0.3:
            text = draw.choice(GLOBS) + text[draw.randint(0, 3) :]
    elif kind < 0.75 or depth > 2:
        text = draw.choice([draw.choice(NAMES), name(draw)])
    else:
        parts = ",".join(
            draw.choice(["", version(draw), draw.choice(NAMES), pattern(draw, depth + 1)])
            for _ in range(draw.randint(1, 4))
        )
        text = draw.choice(["", "", draw.choice(NAMES), "foo-"]) + "{" + parts + "}"
        text += draw.choice(["", draw.choice(TESTS[:4]) + version(draw), "-[0-9]*", "-" + version(draw)])
    if draw.random() < 0.08:
        at = draw.randint(0, len(text))
        text = text[:at] + draw.choice(NOISE + WORDS + GLOBS) + text[at + draw.randint(0, 2) :]
    return text


def likely(draw: random.Random, text: str) -> str:
    """A name that has more than chance in common with the pattern."""
    choice = draw.random()
    if choice < 0.4:
        return name(draw)
    for character in "{}":
        text = text.replace(character, "")
    text = draw.choice(text.split(",")) if "," in text else text
    for test in ("<=", ">=", "==", "<", ">", "*", "?"):
        text = text.replace(test, "-" if test not in "*?" else draw.choice(["", "1", "x"]), 1)
    text = text.replace("[0-9]", draw.choice("0123456789"))
    return text if choice < 0.7 else text + draw.choice(["-1", "-2.0", "nb1", ".1", "rc1", "-1.0nb2"])


def related(draw: random.Random) -> tuple[str, str, str]:
    """A pattern with a comparison, and two names with versions that differ from its own in a part or two."""
    parts = [draw.choice([NUMBERS, WORDS][turn % 2]) for turn in range(draw.randint(1, 5))]

    def varied() -> str:
        changed = list(parts)
        for _ in range(draw.randint(0, 2)):
            changed[draw.randrange(len(changed))] = draw.choice(draw.choice([NUMBERS, WORDS, [""]]))
        return "".join(changed)

    text = f"foo{draw.choice(TESTS[:4])}{varied()}"
    if draw.random() < 0.3:
        text += draw.choice(TESTS[:2]) + varied()
    return text, f"foo-{varied()}", f"foo-{varied()}"


def ours(kind: str, text: str, one: str, other: str) -> str:
    """Our answer, in the program's letters."""
    try:
        if kind == "m":
            return "1" if match(text, one) else "0"
        return str(order(text, one, None if kind == "n" else other))
    except GlassmasterError:
        return "F"


def main() -> int:
    """Compare, print what was found; 1 if anything disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    cases = []
    for _ in range(given.pairs):
        text = pattern(draw)
        trio = related(draw) if draw.random() < 0.4 else (text, likely(draw, text), likely(draw, text))
        cases.append((draw.choices("mon", [7, 2, 1])[0], *trio))
    data = "".join(f"{field}\0" for case in cases for field in case).encode()
    program = os.environ["PKG_MATCH_PROGRAM"]
    theirs = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True).stdout.decode()
    if len(theirs) != len(cases):
        print(f"{program} gave {len(theirs):,} answers to {len(cases):,} questions")
        return 1
    answers = Counter(f"{case[0]}{answer}" for case, answer in zip(cases, theirs, strict=True))
    wrong = [(*case, answer, ours(*case)) for case, answer in zip(cases, theirs, strict=True) if ours(*case) != answer]
    for line in wrong[:SHOWN]:
        print("kind {}: {!r} {!r} {!r}: NetBSD's {}, ours {}".format(*line))
    print(f"{len(cases):,} pairs, seed {given.seed}: {len(wrong):,} disagreements")
    print("answers:", ", ".join(f"{key} {count:,}" for key, count in sorted(answers.items())))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
