"""Everything that is checked of a configuration tree."""

from __future__ import annotations

from collections.abc import Iterator

from glassmaster.config.check_disks import check_disks
from glassmaster.config.check_etc import check_etc
from glassmaster.config.check_guests import Guest, check_files, check_macs, check_memory, read_guests
from glassmaster.config.check_hidden import check_hidden
from glassmaster.config.check_links import check_links
from glassmaster.config.check_uids import check_uids
from glassmaster.config.findings import Finding, error, warning
from glassmaster.config.host import FILE as HOST_FILE
from glassmaster.config.host import HostFacts, read_host
from glassmaster.config.modes import check_modes
from glassmaster.config.tree import ConfigTree
from glassmaster.config.view import Release, View
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.uids import Uids


def check(tree: ConfigTree, release: Release | None, uids: Uids | None = None) -> list[Finding]:
    """All findings, sorted by place. Without a release, what would have to be on the CD is not looked for.

    uids: the numbers of roles that images are made with; None: they are not compared with the tree's.
    """
    guests, findings = read_guests(tree)
    facts, unreadable = _facts(tree)
    views = {name: View(host, tree.shared, release) for name, host in tree.hosts.items()}
    findings += unreadable
    findings += _of_servers(tree, views)
    findings += check_files(guests, tree, views)
    findings += check_macs(guests)
    findings += check_memory(guests, facts)
    findings += _of_hosts(tree, guests, facts, release)
    findings += check_uids(tree.shared, uids) if uids else []
    return sorted(set(findings), key=lambda finding: finding.sort_key)


def _facts(tree: ConfigTree) -> tuple[dict[str, HostFacts], list[Finding]]:
    facts, findings = {}, []
    for name, host in tree.hosts.items():
        try:
            found = read_host(host)
        except GlassmasterError as problem:
            place = str(host.items[HOST_FILE].host_path)
            findings.append(_of_error(problem, place, host.where(HOST_FILE)))
            continue
        if found is None:
            findings.append(warning(host.place, f"has no {HOST_FILE}: memory and partitions cannot be checked"))
        else:
            facts[name] = found
    return facts, findings


def _of_error(problem: GlassmasterError, place: str, name: str) -> Finding:
    """An error of a YAML reader, which calls the file by its path on this machine: ``PATH:LINE: reason``."""
    line, colon, what = problem.what.removeprefix(place).removeprefix(":").partition(": ")
    why = f" ({problem.why})" if problem.why else ""
    if colon and line.isdigit():
        return error(f"{name}:{line}", what + why, problem.hint)
    return error(name, problem.what.removeprefix(place).removeprefix(": ") + why, problem.hint)


def _of_servers(tree: ConfigTree, views: dict[str, View]) -> Iterator[Finding]:
    for server in tree.servers():
        yield from check_etc(server)
        yield from check_modes(server)
        # The root of a virtual machine is another image: only what is on /config can be known.
        is_host = server is tree.hosts.get(server.name)
        view = views[server.name] if is_host else View(server, tree.shared, None)
        yield from check_links(server, view, "/config/local")
        yield from check_links(tree.shared, view, "/config/global")
    yield from check_modes(tree.shared)


def _of_hosts(
    tree: ConfigTree, guests: list[Guest], facts: dict[str, HostFacts], release: Release | None
) -> Iterator[Finding]:
    for name, host in tree.hosts.items():
        yield from check_disks(host, [guest for guest in guests if guest.host == name], facts.get(name))
        if release:
            yield from check_hidden(host, release)
