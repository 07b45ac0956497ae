"""Partitions: each is used once, and for what host.yaml makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from glassmaster.config.check_guests import FILE, FOLDER, Guest
from glassmaster.config.findings import Finding, error, warning
from glassmaster.config.host import FILE as HOST_FILE
from glassmaster.config.host import MIB, HostDisk, HostFacts, Slot, slots
from glassmaster.config.tree import Server
from glassmaster.config.view import FSTAB, RC_CONF, fstab, rc_values
from glassmaster.errors import GlassmasterError
from glassmaster.images.disk import LONGEST_LABEL, DiskPlan, Partition, placed

RC_VARIABLES = {"glassmaster_swap": "swap", "glassmaster_var": "var", "glassmaster_tmp": "tmp"}


@dataclass(frozen=True)
class Claim:
    """A partition that something wants. owner: a virtual machine, or "" for the host; use: config, swap, var, …"""

    device: str
    owner: str
    use: str
    where: str


def check_disks(server: Server, guests: Sequence[Guest], facts: HostFacts | None) -> Iterator[Finding]:
    """`guests`: those of this host."""
    claims = [*_claims_of_host(server), *(claim for guest in guests for claim in _claims_of_guest(guest))]
    yield from _used_twice(claims)
    if FSTAB in server.items:
        for claim in _claims_of_rc_conf(server):
            yield warning(claim.where, f"glassmaster_{claim.use} means nothing: there is an {FSTAB}", "say it there")
    if facts is None:
        return
    try:
        made = {f"/dev/{facts.disk.name}{slot.letter}": slot for slot in slots(facts.disk)}
        _require_room(server.name, facts.disk, made.values())
    except GlassmasterError as problem:
        why = f" ({problem.why})" if problem.why else ""
        yield error(server.where(HOST_FILE), problem.what + why, problem.hint)
        return
    for claim in claims:
        if claim.device.startswith(f"/dev/{facts.disk.name}") and claim.device[:-1] == f"/dev/{facts.disk.name}":
            yield from _fits(claim, made)
    yield from _unused(server, claims, made, {guest.name for guest in guests})


def _require_room(name: str, disk: HostDisk, made: Iterable[Slot]) -> None:
    parts = tuple(Partition(slot.letter, "unknown", slot.mib * MIB) for slot in made)
    placed(DiskPlan(parts, name[:LONGEST_LABEL], disk.size * MIB if disk.size else None))


def _claims_of_host(server: Server) -> Iterator[Claim]:
    if FSTAB not in server.items:
        yield from _claims_of_rc_conf(server)
    for number, words in fstab(server):
        if len(words) > 2 and words[0].startswith("/dev/"):
            use = "swap" if words[2] == "swap" else words[1].removeprefix("/")
            yield Claim(words[0], "", use, server.where(FSTAB, number))


def _claims_of_rc_conf(server: Server) -> Iterator[Claim]:
    for name, use in RC_VARIABLES.items():
        said = rc_values(server).get(name)
        if said and said.value:
            yield Claim(said.value, "", use, server.where(RC_CONF, said.line))


def _claims_of_guest(guest: Guest) -> Iterator[Claim]:
    # A root is only read: several may share it.
    for key, path in guest.domu.disks():
        if path.startswith("/dev/") and key != "root":
            yield Claim(path, guest.name, key, guest.where(key))


def _used_twice(claims: Sequence[Claim]) -> Iterator[Finding]:
    users: dict[str, Claim] = {}
    for claim in claims:
        first = users.setdefault(claim.device, claim)
        if first is not claim:
            user = f"{first.owner or 'the host'}'s {first.use}"
            yield error(claim.where, f"{claim.use}: {claim.device} is {user} already ({first.where})")


def _fits(claim: Claim, made: dict[str, Slot]) -> Iterator[Finding]:
    slot = made.get(claim.device)
    right = next((device for device, s in made.items() if (s.owner, s.use) == (claim.owner, claim.use)), "")
    remedy = f"it is {right}" if right else ""
    if slot is None:
        yield error(claim.where, f"{claim.use}: {HOST_FILE} makes no {claim.device}", remedy)
    elif (slot.owner, slot.use) != (claim.owner, claim.use):
        what = f"{claim.use}: {HOST_FILE} makes {claim.device} for {slot.owner or 'the host'}'s {slot.use}"
        yield error(claim.where, what, remedy)


def _unused(server: Server, claims: Sequence[Claim], made: dict[str, Slot], read: set[str]) -> Iterator[Finding]:
    used = {claim.device for claim in claims}
    for device, slot in made.items():
        if slot.owner not in read and f"{FOLDER}/{slot.owner}/{FILE}" in server.items:
            continue  # its domu.conf could not be read, which is said elsewhere
        # The host's own /config is found by its marker, not by its name.
        if device not in used and (slot.owner, slot.use) != ("", "config"):
            whose = f"{slot.owner or 'the host'}'s {slot.use}"
            yield warning(server.where(HOST_FILE), f"{device} is made for {whose}, and nothing uses it")
