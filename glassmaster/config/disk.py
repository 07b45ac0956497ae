"""A host's hard disk as an image, divided and filled as glassmaster-prepare would; deterministic, and without root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from glassmaster.config.check import check
from glassmaster.config.findings import Finding
from glassmaster.config.host import FILE as HOST_FILE
from glassmaster.config.host import MIB, HostFacts, Slot, read_host, slots
from glassmaster.config.modes import FILE as MODES_FILE
from glassmaster.config.modes import Attributes, attributes
from glassmaster.config.subversion import FILE as SUBVERSION_FILE
from glassmaster.config.subversion import Origin, as_record
from glassmaster.config.tree import SHARED, ConfigTree, Server
from glassmaster.errors import GlassmasterError
from glassmaster.images.disk import LONGEST_LABEL, DiskPlan, Partition, Place, write_disk
from glassmaster.images.ffs.superblock import LONGEST_LABEL as LONGEST_FFS_LABEL
from glassmaster.images.ffs.writer import write_ffs
from glassmaster.inputs.accounts import Accounts, parse_accounts
from glassmaster.tree.blob import Blob, new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge
from glassmaster.tree.path import ROOT

MARKER = ".glassmaster-config"  # where the recipe has no variable `marker`
STATE = ".glassmaster"  # what a machine keeps for itself
# What every release has; others are looked up.
_OWN = Accounts({"root": 0}, {"wheel": 0})


@dataclass(frozen=True)
class DiskFacts:
    """A disk that was written: its partitions in order, and where they lie."""

    host: str
    facts: HostFacts
    slots: tuple[Slot, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Wanted:
    """What a disk is made of, beside the tree.

    accounts: the release's, or None when it was not built. origins: where the tree's directories are in Subversion.
    """

    marker: str
    epoch: int
    accounts: Accounts | None
    origins: Mapping[str, Origin] = field(default_factory=dict)


def write_host_disk(tree: ConfigTree, name: str, wanted: Wanted, target: Path) -> DiskFacts:
    """Write the disk of a host to `target`, whole or not at all; equal trees give equal bytes.

    Only the user can read the file: it has what the .mtree keeps from others on the server.

    Raises GlassmasterError when there is no such host, when it has no host.yaml, and when something in its part of the
    tree is an error for config-check.
    """
    host = tree.host(name)
    facts = read_host(host)
    if facts is None:
        raise GlassmasterError(f"{host.where(HOST_FILE)}: there is none", why="it says how the disk is divided")
    divided = slots(facts.disk)
    servers = _servers(tree, host, divided)
    _require_no_errors(tree, [*servers.values(), tree.shared])
    _make_folder(target)
    with _private_files(), tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        partitions = tuple(_partition(slot, servers, tree.shared, wanted, Path(folder)) for slot in divided)
        size = facts.disk.size * MIB if facts.disk.size else None
        places = write_disk(DiskPlan(partitions, name[:LONGEST_LABEL], size), target)
    return DiskFacts(name, facts, divided, places)


def places_of(tree: ConfigTree, name: str) -> Iterable[str]:
    """The directories of the tree that are on a host's disk."""
    host = tree.host(name)
    facts = read_host(host)
    guests = [tree.guests[guest].place for guest in facts.disk.domus if guest in tree.guests] if facts else []
    return (host.place, *guests, SHARED)


def _make_folder(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GlassmasterError(f"{target}: cannot be written", why=str(error)) from error


@contextmanager
def _private_files() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _servers(tree: ConfigTree, host: Server, divided: Sequence[Slot]) -> dict[str, Server]:
    """Whose configuration is on the disk: the host's by "", those of its virtual machines by name."""
    servers = {"": host}
    for slot in divided:
        if slot.owner and slot.owner not in tree.guests:
            where = host.where(HOST_FILE)
            raise GlassmasterError(f"{where}: disk.domus.{slot.owner}: there is no vservers/{slot.owner}")
        if slot.owner:
            servers[slot.owner] = tree.guests[slot.owner]
    return servers


def _require_no_errors(tree: ConfigTree, servers: Sequence[Server]) -> None:
    places = tuple(f"{server.place}/" for server in servers)
    wrong = [item for item in check(tree, None) if item.level == "error" and f"{item.where}/".startswith(places)]
    if wrong:
        raise GlassmasterError(
            f"{tree.root}: not fit for a disk",
            why="\n".join(map(_line, wrong)),
            hint="correct this; config-check shows all",
        )


def _line(finding: Finding) -> str:
    return f"{finding.where}: {finding.what}"


def _partition(slot: Slot, servers: Mapping[str, Server], shared: Server, wanted: Wanted, folder: Path) -> Partition:
    size = slot.mib * MIB
    if slot.use == "swap":
        return Partition(slot.letter, "swap", size)
    image = folder / f"{slot.letter}.ffs"
    with new_blob(folder / f"{slot.letter}.blob") as blob:
        entries = [] if slot.use == "var" else list(_entries(servers[slot.owner], shared, wanted, blob))
    content = _merged(slot, entries, wanted.epoch)
    # UFS1: what every NetBSD reads, and its newfs(8) makes.
    label = f"{slot.owner or 'host'}-{slot.use}"[:LONGEST_FFS_LABEL]
    try:
        write_ffs(content, image, version=1, epoch=wanted.epoch, label=label, size=size)
    except GlassmasterError as error:
        where = servers[""].where(HOST_FILE)
        what = f"{where}: partition {slot.letter}, {slot.mib} MiB, cannot be made"
        raise GlassmasterError(what, why=str(error)) from error
    return Partition(slot.letter, "4.2BSD", size, image)


def _merged(slot: Slot, entries: Sequence[Entry], epoch: int) -> Tree:
    return merge([Layer(f"partition:{slot.letter}", tuple(entries))], epoch=epoch)


def _entries(server: Server, shared: Server, wanted: Wanted, blob: Blob) -> Iterator[Entry]:
    """What a /config holds: the marker, local, global, and the machine's own directory."""
    epoch = wanted.epoch
    yield Entry(ROOT, "dir", 0o755, 0, 0, epoch)
    yield Entry(wanted.marker, "file", 0o644, 0, 0, epoch, content=blob.add(b""))
    yield Entry(STATE, "dir", 0o700, 0, 0, epoch)
    if {server.place, SHARED} <= wanted.origins.keys():
        record = as_record(wanted.origins[server.place], wanted.origins[SHARED])
        content = blob.add(record.encode("ascii"))
        yield Entry(f"{STATE}/{SUBVERSION_FILE}", "file", 0o600, 0, 0, epoch, content=content)
    for top, source in (("local", server), ("global", shared)):
        yield Entry(top, "dir", 0o755, 0, 0, epoch)
        yield from _below(top, source, wanted, blob)
    if "etc" not in server.items:
        yield Entry("local/etc", "dir", 0o755, 0, 0, epoch)


def _below(top: str, server: Server, wanted: Wanted, blob: Blob) -> Iterator[Entry]:
    found, _ = attributes(server)
    accounts = known_accounts(server, wanted.accounts)
    for path, item in server.items.items():
        has = found[path]
        content = blob.add(server.file(path) or b"") if item.kind == "file" else None
        uid, gid = _numbers(has, accounts, server)
        yield Entry(f"{top}/{path}", item.kind, has.mode, uid, gid, wanted.epoch, item.link, content)


def known_accounts(server: Server, release: Accounts | None) -> Accounts:
    """Numbers by name: the server's own entries, then the release's."""
    texts = [(server.file(f"accounts/{name}") or b"").decode("utf-8", "replace") for name in ("master.passwd", "group")]
    own = parse_accounts(*texts)
    below = release or _OWN
    return Accounts({**_OWN.users, **below.users, **own.users}, {**_OWN.groups, **below.groups, **own.groups})


def _numbers(has: Attributes, accounts: Accounts, server: Server) -> tuple[int, int]:
    where = server.where(MODES_FILE, has.line)
    uid = int(has.owner) if has.owner.isdigit() else accounts.uid(has.owner, where)
    gid = int(has.group) if has.group.isdigit() else accounts.gid(has.group, where)
    return uid, gid
