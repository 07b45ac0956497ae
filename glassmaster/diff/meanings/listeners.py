"""Services that listen on the network from now on: by rc.conf and rc.d, and by inetd.conf."""

from __future__ import annotations

from collections.abc import Iterator

from glassmaster.diff.meanings.rc import boot_of
from glassmaster.diff.model import Item
from glassmaster.diff.pair import RC_D, Pair, starting

INETD_CONF = "etc/inetd.conf"
# Scripts of NetBSD's own rc.d whose programs listen (rc.conf(5), services(5)). Of what packages bring nothing is known,
# so that it counts as listening.
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
    if any(change.path == INETD_CONF for change in pair.changed()):
        yield from _unknown(pair, f"/{INETD_CONF}", "what it starts") if pair.no_bytes else _of_inetd(pair)


def _unknown(pair: Pair, what: str, question: str) -> Iterator[Item]:
    paths = tuple(change.path for change in pair.changes if starting(change) or change.path == INETD_CONF)
    yield Item(what, "changed", rule="listener", paths=paths, detail=f"{question} is not known: {pair.no_bytes}")


def _of_rc(pair: Pair) -> Iterator[Item]:
    old, new = boot_of(pair.old, pair.old_facts), boot_of(pair.new, pair.new_facts)
    for name in new.started:
        if name not in old.started and _may_listen(pair, name):
            why = "a service that listens starts" if name in _LISTENING else "a package's service starts: it may listen"
            yield Item(name, "added", old.why(name), new.why(name), "listener", (RC_D + name,), why)


def _may_listen(pair: Pair, name: str) -> bool:
    state = pair.new.get(RC_D + name)
    return name in _LISTENING or (state is not None and state.origin.startswith("package"))


def _of_inetd(pair: Pair) -> Iterator[Item]:
    old = list(inetd_lines(pair.old_facts.text(INETD_CONF) or ""))
    for line in inetd_lines(pair.new_facts.text(INETD_CONF) or ""):
        if line not in old:
            service = f"inetd: {line.split(' ')[0]}"
            yield Item(service, "added", "", line, "listener", (INETD_CONF,), "inetd listens for it")


def inetd_lines(text: str) -> Iterator[str]:
    """The services of an inetd.conf(5), one line each, with single spaces."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 6 and not words[0].startswith("#"):
            yield " ".join(words)
