"""Licences of packages: LICENSE in pkgsrc's words (mk/license.mk) to SPDX, where it is certain which one is meant."""

from __future__ import annotations

import itertools
import re

from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from license_expression import ExpressionError, Licensing

# A name of pkgsrc stands here only if it means one licence of SPDX's list. The GNU licences do not: pkgsrc has one
# name for "version 2" and for "version 2 or later".
SPDX = {
    "0-clause-bsd": "0BSD", "2-clause-bsd": "BSD-2-Clause", "modified-bsd": "BSD-3-Clause",
    "original-bsd": "BSD-4-Clause", "afl-3.0": "AFL-3.0", "apache-1.1": "Apache-1.1", "apache-2.0": "Apache-2.0",
    "artistic-2.0": "Artistic-2.0", "boost-license": "BSL-1.0", "cc0-1.0-universal": "CC0-1.0",
    "cddl-1.0": "CDDL-1.0", "cpl-1.0": "CPL-1.0", "epl-v1.0": "EPL-1.0", "epl-v2.0": "EPL-2.0", "isc": "ISC",
    "lppl-1.3c": "LPPL-1.3c", "mit": "MIT", "mpl-1.0": "MPL-1.0", "mpl-1.1": "MPL-1.1", "mpl-2.0": "MPL-2.0",
    "ofl-v1.0": "OFL-1.0", "ofl-v1.1": "OFL-1.1", "postgresql-license": "PostgreSQL", "unlicense": "Unlicense",
    "zlib": "Zlib",
}  # fmt: skip
_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9._+-]+)|(?P<bracket>[()]))")
_OPERATORS = ("AND", "OR")


def licence(text: str) -> DisjunctiveLicense | LicenseExpression | None:
    """The licence of a package: an SPDX id, an expression, or pkgsrc's own words as a name. None for nothing."""
    text = text.strip()
    if not text:
        return None
    words = _words(text)
    if words is None or not any(word in SPDX for word in words) or _side_by_side(words):
        return DisjunctiveLicense(name=text)
    if len(words) == 1:
        return DisjunctiveLicense(id=SPDX[words[0]])
    expression = " ".join(_spdx(word) for word in words)
    try:
        Licensing().parse(expression)
    except ExpressionError:
        return DisjunctiveLicense(name=text)
    return LicenseExpression(expression.replace("( ", "(").replace(" )", ")"))


def _side_by_side(words: list[str]) -> bool:
    """Two names with nothing between them: the parser of expressions would take them for one name."""
    names = [word not in ("(", ")", *_OPERATORS) for word in words]
    return any(one and other for one, other in itertools.pairwise(names))


def _words(text: str) -> list[str] | None:
    words, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        words.append(match["word"] or match["bracket"])
        at = match.end()
    return words


def _spdx(word: str) -> str:
    """A name that is not certain stays pkgsrc's, in the form that SPDX has for names of one's own."""
    if word in ("(", ")", *_OPERATORS):
        return word
    return SPDX.get(word) or f"LicenseRef-pkgsrc-{re.sub('[^A-Za-z0-9.-]', '-', word)}"
