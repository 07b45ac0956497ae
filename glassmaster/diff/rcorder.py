"""The order in which rc(8) starts the scripts of rc.d, as NetBSD's rcorder(8) finds it.

rcorder takes the files from the last to the first. Before a file come those that provide what it requires, again the
last one first: the last word of its lines before the first one, and before those whatever names a provision of it in
BEFORE. A circle is told and broken where it closes. A library that sorts topologically would find an order, but not
this one, and it is the order of this one in which services start.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

_WORDS = {
    "# REQUIRE:": "require", "# REQUIRES:": "require", "# PROVIDE:": "provide", "# PROVIDES:": "provide",
    "# BEFORE:": "before", "# KEYWORD:": "keyword", "# KEYWORDS:": "keyword",
}  # fmt: skip
# rc(8) calls `rcorder -s nostart`.
NOT_STARTED = "nostart"
# Of scripts, and of steps in circles of them; no release has half as many.
SCRIPTS_LIMIT, STEPS_LIMIT = 300, 20_000


@dataclass(frozen=True)
class Order:
    """scripts: those that are started, by name. problems: what rcorder warns of."""

    scripts: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(eq=False)
class _Script:
    name: str
    require: list[str] = field(default_factory=list)
    provide: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    keyword: list[str] = field(default_factory=list)
    is_begun: bool = False


def rcorder(texts: Mapping[str, str], skip: Collection[str] = (NOT_STARTED,)) -> Order:
    """The order of scripts, given by name with their texts."""
    if len(texts) > SCRIPTS_LIMIT:
        return Order((), (f"{len(texts)} scripts are more than are put in order here",))
    return _Ordering([_parsed(name, texts[name]) for name in sorted(texts)], frozenset(skip)).order()


def _parsed(name: str, text: str) -> _Script:
    """The lines that rcorder looks for: the first block of them that nothing else interrupts."""
    script = _Script(name)
    has_begun = False
    for line in text.replace("\\\n", "").split("\n"):
        word = next((word for word in _WORDS if line.startswith(word)), "")
        if word:
            has_begun = True
            getattr(script, _WORDS[word]).extend(line[len(word) :].split())
        elif has_begun:
            break
    return script


class _Ordering:
    """rcorder's run: what is left of each provision, and of the files."""

    def __init__(self, scripts: list[_Script], skip: frozenset[str]) -> None:
        self._skip = skip
        self._left = list(reversed(scripts))
        self._providers: dict[str, list[_Script]] = {}
        self._known: set[str] = set()
        self._in_progress: set[str] = set()
        self._requirements: dict[str, list[str]] = {}
        self._found: list[str] = []
        self._problems: dict[str, None] = {}
        self._steps = 0
        for script in scripts:
            self._known.update(script.require, script.provide)
            self._requirements[script.name] = list(reversed(script.require))
            for name in script.provide:
                self._providers.setdefault(name, []).insert(0, script)
        self._insert_before([(script, name) for script in scripts for name in script.before])

    def _insert_before(self, pairs: list[tuple[_Script, str]]) -> None:
        """Who provides what a file is to be before gets that file as its first requirement."""
        for number, (script, name) in enumerate(reversed(pairs)):
            own = f"{number}\0{script.name}"  # as no script can call a provision
            self._providers[own] = [script]
            if name not in self._known:
                self._problem(f"{script.name} is before {name}, which nothing provides")
                self._known.add(name)
            for provider in self._providers.get(name, []):
                self._requirements[provider.name].insert(0, own)

    def order(self) -> Order:
        while self._left:
            self._do(self._left[0])
        return Order(tuple(self._found), tuple(self._problems))

    def _problem(self, text: str) -> None:
        self._problems[text] = None

    def _do(self, script: _Script) -> None:
        self._steps += 1
        was_begun, script.is_begun = script.is_begun, True
        if was_begun:
            self._problem(f"{script.name} requires itself in the end")
        for name in self._requirements[script.name] if self._steps < STEPS_LIMIT else ():
            self._satisfy(name, script)
        self._requirements[script.name] = []
        for providers in self._providers.values():
            if script in providers:
                providers[:] = [provider for provider in providers if provider is not script]
        if not was_begun and not self._skip & set(script.keyword):
            self._found.append(script.name)
        self._left = [other for other in self._left if other is not script]

    def _satisfy(self, name: str, script: _Script) -> None:
        providers = self._providers.get(name)
        if providers is None:
            self._problem(f"{script.name} requires {name}, which nothing provides")
        elif providers and name in self._in_progress:
            self._problem(f"{script.name} requires {name.rpartition(chr(0))[2]}, which requires it in the end")
        elif providers:
            self._in_progress.add(name)
            while providers:
                self._do(providers[0])
