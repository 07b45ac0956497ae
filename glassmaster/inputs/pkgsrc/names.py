"""Names of packages in order, so that a pattern need not be tried on all of them."""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterable

from glassmaster.inputs.pkgsrc import patterns, versions


class Names:
    """Names of packages with their versions, sorted."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._sorted = sorted(names)

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, name: str) -> None:
        """Take in one more."""
        bisect.insort(self._sorted, name)

    def matching(self, pattern: str) -> list[str]:
        """Those that match a pattern."""
        return [name for name in self.beginning_with(patterns.literal_prefix(pattern)) if patterns.match(pattern, name)]

    def best(self, pattern: str) -> str | None:
        """The one that matches best."""
        return patterns.best(pattern, self.matching(pattern))

    def versions(self, base: str) -> list[str]:
        """All names of one package, the lowest version first."""
        names = [name for name in self.beginning_with(f"{base}-") if patterns.base_of(name) == base]
        by_version = functools.cmp_to_key(versions.compare)
        return sorted(names, key=lambda name: by_version(patterns.version_of(name)))

    def beginning_with(self, prefix: str) -> list[str]:
        """Those that begin with this text."""
        start = bisect.bisect_left(self._sorted, prefix)
        # Names are ASCII: nothing that begins with the prefix sorts after this.
        return self._sorted[start : bisect.bisect_left(self._sorted, prefix + "\x7f", start)]

    def bases(self) -> list[str]:
        """The names without versions, each once, sorted."""
        return sorted({patterns.base_of(name) for name in self._sorted})
