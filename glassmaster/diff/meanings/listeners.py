"""Services that listen on the network from now on: by rc.conf and rc.d, and by inetd.conf."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from glassmaster.diff.inetd import included, read_inetd
from glassmaster.diff.meanings.rc import boot_of
from glassmaster.diff.model import Item
from glassmaster.diff.pair import INETD_CONF, RC_D, Pair, starting

# Scripts of NetBSD's own rc.d whose programs listen (rc.conf(5), services(5)). Of what packages and overlays bring
# nothing is known, so that it counts as listening.
_LISTENING = frozenset((
    "amd", "bootparams", "dhcpd", "dhcpd6", "dhcrelay", "ftp_proxy", "ftpd", "hostapd", "httpd", "identd", "inetd",
    "iscsi_target", "isibootd", "kadmind", "kdc", "kpasswdd", "ldpd", "lpd", "mdnsd", "mopd", "mountd", "mrouted",
    "named", "ndbootd", "nfsd", "nfslocking", "nsd", "ntpd", "postfix", "racoon", "rarpd", "rbootd", "route6d",
    "routed", "rpcbind", "rtadvd", "rwho", "sshd", "syslogd", "tftpd", "timed", "unbound", "xdm", "xfs", "ypbind",
    "yppasswdd", "ypserv",
))  # fmt: skip


def listeners(pair: Pair) -> Iterator[Item]:
    """New listeners; where a side's bytes are not known, what may have brought one."""
    if any(starting(change) for change in pair.changes):
        yield from _unknown(pair, "/etc/rc.d", "which services are new") if pair.no_bytes else _of_rc(pair)
    if pair.no_bytes:
        if any(change.path == INETD_CONF for change in pair.changed()):
            yield from _unknown(pair, f"/{INETD_CONF}", "what it starts")
    else:
        yield from _of_inetd(pair)


def _unknown(pair: Pair, what: str, question: str) -> Iterator[Item]:
    paths = tuple(change.path for change in pair.changes if starting(change) or change.path == INETD_CONF)
    yield Item(what, "changed", rule="listener", paths=paths, detail=f"{question} is not known: {pair.no_bytes}")


def _of_rc(pair: Pair) -> Iterator[Item]:
    old, new = boot_of(pair.old, pair.old_facts), boot_of(pair.new, pair.new_facts)
    for name in new.started:
        if name not in old.started and _may_listen(pair, name):
            origin = pair.new[RC_D + name].origin
            what = "a package's service" if origin.startswith("package") else "a service of no set of NetBSD's"
            why = "a service that listens starts" if name in _LISTENING else f"{what} starts: it may listen"
            yield Item(name, "added", old.why(name), new.why(name), "listener", (RC_D + name,), why)


def _may_listen(pair: Pair, name: str) -> bool:
    """Only of what is NetBSD's own it is known that it does not."""
    return name in _LISTENING or not pair.new[RC_D + name].origin.startswith("set:")


def _of_inetd(pair: Pair) -> Iterator[Item]:
    """New services of inetd.conf and of the files that it includes; what cannot be read may be one."""
    changed = {change.path for change in pair.changed() if change.new is not None}
    conf = read_inetd(pair.new_facts.text(INETD_CONF) or "")
    globs = [included(pattern, INETD_CONF) for pattern in conf.includes]
    for path in sorted(changed):
        if path == INETD_CONF or any(fnmatchcase(path, glob) for glob in globs):
            yield from _of_inetd_conf(pair, path)


def _of_inetd_conf(pair: Pair, path: str) -> Iterator[Item]:
    texts = pair.old_facts.text(path), pair.new_facts.text(path)
    if texts[1] is None:
        yield Item(f"/{path}", "added", rule="listener", paths=(path,), detail="what it starts is not known")
        return
    old, new = (read_inetd(text or "") for text in texts)
    for line in new.services:
        if line not in old.services:
            name = f"inetd: {line.split(' ')[0]}"
            yield Item(name, "added", "", line, "listener", (path,), "inetd listens for it")
    for line in [*(f".include {pattern}" for pattern in new.includes if pattern not in old.includes), *new.unread]:
        if line not in old.unread:
            name = f"inetd: {line.split(' ')[0]}"
            yield Item(name, "added", "", line, "listener", (path,), "what inetd makes of it is not known")
