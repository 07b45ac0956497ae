"""Where a path of a built image comes from: as data."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from glassmaster.commands.why_sources import Source, Sources
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import parse_accounts
from glassmaster.places import Places, domu_layer_names, layer_names
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.tree.entry import Entry
from glassmaster.tree.history import Event, history
from glassmaster.tree.layer import Layer, read_layers
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.path import ROOT, ancestors

NEAR = 5
_IN_DOMU = re.compile(r"(?:domu:(?P<name>[^/]*)(?:/|$)|/?images/(?P<image>[^/]+)\.img/)(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One thing that a layer did to the path, with where its entry is from. origin: the layer's.

    said: the event in words, such as "deletes etc/rc.d". source: empty where the layer has no entry of its own.
    same: for an entry that was hidden: nothing but its time differed.
    """

    origin: str
    said: str
    entry: Entry | None
    source: Source
    owner: str = ""
    same: bool = False


@dataclass(frozen=True)
class Answer:
    """All that is known of a path of an image.

    entry:  as it is on the image; None where it is not. origin: its layer's. owner: user and group, by name.
    source: where it is from. hid: what it hid, the nearest first. moves: how it got its name, or lost its place.
    names:  other names of the same file. link: for what lies below a symbolic link, or is one: where that leads.
    near:   for a path that is not there: some that are.
    stale:  why the image would be built again now, and how; "" while it is what the recipe says.
    """

    recipe: str
    image: str
    path: str
    entry: Entry | None
    origin: str = ""
    owner: str = ""
    source: Source = field(default_factory=Source)
    hid: tuple[Step, ...] = ()
    moves: tuple[Step, ...] = ()
    names: tuple[str, ...] = ()
    link: str = ""
    near: tuple[str, ...] = ()
    stale: str = ""


class Looked:
    """An image of a recipe that was built; domu: "" for the CD."""

    def __init__(self, loaded: LoadedRecipe, domu: str = "") -> None:
        self.loaded, self.domu = loaded, domu
        recipe = loaded.recipe
        if domu and domu not in recipe.domus:
            close = difflib.get_close_matches(domu, recipe.domus, n=1)
            known = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(recipe.domus)) or 'none'}"
            raise GlassmasterError(f"{loaded.files[0]}: there is no domU {domu!r}", hint=known)
        places = Places(loaded.name)
        names = domu_layer_names(recipe.domus[domu], domu) if domu else layer_names(recipe)
        files = [places.layer(name) for name in names]
        missing = next((file for file in files if not file.is_file()), None)
        # The task that puts the image's tree together.
        self.task = f"domu:{loaded.name}:{domu}" if domu else f"mtree:{loaded.name}"
        if missing is not None:
            raise GlassmasterError(
                f"{loaded.name} has not been built", why=f"there is no {missing}", hint=f"`doit {self.task}` makes it"
            )
        self.layers: Sequence[Layer] = [layer for file in files for layer in read_layers(file)]
        self.tree: Tree = merge(self.layers, epoch=recipe.epoch)
        self.sources = Sources(loaded, domu)

    @property
    def image(self) -> str:
        """The image for people."""
        return f"domu:{self.domu}" if self.domu else "dom0"

    def answer(self, path: str) -> Answer:
        """All about a path."""
        events = history(self.layers, path)
        if path not in self.tree:
            moves = tuple(self._step(event) for event in events if event.did in ("deletes", "takes", "puts"))
            link = self._through_link(path)
            near = () if moves or link else tuple(self._near(path))
            return Answer(self.loaded.name, self.image, path, None, moves=moves, link=link, near=near)
        node = self.tree[path]
        still = list(_until_gone(events))
        put = [event for event in still if event.did == "puts"]
        own = put[0] if put else None
        moved = [event for event in still if event.did == "brings"]
        moved += [event for event in events[len(still) :] if event.did != "fills"]
        moves = tuple(self._step(event) for event in moved)
        return Answer(
            self.loaded.name, self.image, path, node.entry, node.origin, self._owner(node.entry),
            self._source(own) if own else self._filled(events), tuple(self._hidden(put[1:], node.entry)), moves,
            self._names(own), node.entry.link, (),
        )  # fmt: skip

    def _hidden(self, below: Sequence[Event], entry: Entry) -> Iterator[Step]:
        for event in below:
            if event.entry is not None:
                found = event.entry
                same = (found.kind, found.mode, found.uid, found.gid, found.link) == (
                    entry.kind, entry.mode, entry.uid, entry.gid, entry.link,
                ) and found.content == entry.content  # fmt: skip
                yield self._step(event, same=same)

    def _step(self, event: Event, *, same: bool = False) -> Step:
        said = {
            "puts": "has it", "deletes": f"deletes /{event.other}", "takes": f"moves what was here to /{event.other}",
            "brings": f"moves it here from /{event.other}", "fills": f"has /{event.other}",
        }[event.did]  # fmt: skip
        source = self._source(event) if event.entry else self._rules(event)
        return Step(event.origin, said, event.entry, source, self._owner(event.entry) if event.entry else "", same)

    def _source(self, event: Event) -> Source:
        assert event.entry is not None
        return self.sources.of(event.origin, event.entry)

    def _rules(self, event: Event) -> Source:
        """What said that something is deleted or moved: an overlay's .yaml."""
        kind, _, name = event.origin.partition(":")
        if kind != "overlay":
            return Source()
        key, path = {
            "deletes": ("delete", event.other), "takes": ("move", event.path), "brings": ("move", event.other),
        }[event.did]  # fmt: skip
        return Source(self.sources.rule(name, key, path))

    def _filled(self, events: Sequence[Event]) -> Source:
        """A directory that no layer lists."""
        inner = next((event for event in reversed(events) if event.did == "fills"), None)
        what = f"a directory for {inner.other} of {inner.origin}" if inner else "every image has a root"
        return Source(what, "", "a directory that no layer lists: root:wheel 0755")

    def _names(self, own: Event | None) -> tuple[str, ...]:
        """Other names of a file, as far as they are still this file on the image."""
        if own is None or own.entry is None or not own.entry.inode:
            return ()
        layer = self.layers[own.layer]
        names = [entry.path for entry in layer.entries if entry.inode == own.entry.inode and entry.path != own.path]
        return tuple(
            name for name in sorted(names) if name in self.tree and self.tree[name].entry.content == own.entry.content
        )

    def _owner(self, entry: Entry) -> str:
        users, groups = self._accounts
        return f"{users.get(entry.uid, 'nobody of this number')}:{groups.get(entry.gid, 'no group of this number')}"

    @cached_property
    def _accounts(self) -> tuple[dict[int, str], dict[int, str]]:
        """Names of users and groups by number, the first of each number, as getpwuid(3) would say."""
        accounts = parse_accounts(self._text("etc/master.passwd"), self._text("etc/group"))
        turned = []
        for numbers in (accounts.users, accounts.groups):
            names: dict[int, str] = {}
            for name, number in numbers.items():
                names.setdefault(number, name)
            turned.append(names)
        return turned[0], turned[1]

    def _text(self, path: str) -> str:
        content = self.tree[path].entry.content if path in self.tree else None
        if content is None or not content.blob.is_file():
            return ""
        with content.blob.open("rb") as stream:
            stream.seek(content.offset)
            return stream.read(content.size).decode("utf-8", "replace")

    def _through_link(self, path: str) -> str:
        """For a path below a symbolic link: the link, and where it leads."""
        for above in ancestors(path):
            if above in self.tree and self.tree[above].entry.kind == "link":
                return f"{above} -> {self.tree[above].entry.link}"
        return ""

    def _near(self, path: str) -> list[str]:
        """Paths of the same name elsewhere first, then those that are written alike."""
        name = path.rpartition("/")[2]
        paths = [node.entry.path for node in self.tree if node.entry.path != ROOT]
        same = [other for other in paths if other.rpartition("/")[2] == name]
        alike = difflib.get_close_matches(path, paths, n=NEAR, cutoff=0.7)
        return list(dict.fromkeys([*same[:NEAR], *alike]))[:NEAR]


def _until_gone(events: Sequence[Event]) -> Iterator[Event]:
    """What came after the path was last taken out or moved away: what lay there before is another thing."""
    for event in events:
        if event.did in ("deletes", "takes"):
            return
        yield event


def path_of(word: str, domu: str) -> tuple[str, str]:
    """The domU and the path that a command line means: `domu:NAME/PATH`, /images/NAME.img/PATH, or --domu NAME."""
    match = _IN_DOMU.fullmatch(word)
    if match is None:
        return domu, word
    name, path = match["name"] or match["image"], match["path"] or ""
    if not name:
        raise GlassmasterError(f"{word}: no domU is named", hint="domu:NAME/PATH")
    if domu and domu != name:
        raise GlassmasterError(f"{word}: another domU than --domu {domu}")
    return name, path
