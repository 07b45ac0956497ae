"""rc scripts that would take our mounts away.

The shapes are written here after those of NetBSD 6 (all of 6.99.16's rc.d) and, of later ones, after single scripts of
its public sources: mountall of 2018 and 2020, zfs of 2019. No release's own file is here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.checks.rcscripts import Harm, examine, require_harmless
from glassmaster.errors import GlassmasterError
from glassmaster.tree.blob import new_blob
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.merge import Tree, merge

HEAD = (
    '#!/bin/sh\n# PROVIDE: x\n\n$_rc_subr_loaded . /etc/rc.subr\n\nname="x"\nstart_cmd="x_start"\nstop_cmd="{stop}"\n\n'
)
TAIL = '\nload_rc_config $name\nrun_rc_command "$1"\n'


def script(body: str, stop: str = ":") -> str:
    return HEAD.format(stop=stop) + body + TAIL


def harms(text: str) -> list[Harm]:
    return list(examine("etc/rc.d/x", text))


def start(*commands: str) -> str:
    """A start function of these lines."""
    return "".join(["x_start()\n{\n", *(f"\t{command}\n" for command in commands), "}\n"])


STOP = "x_stop()\n{\n\tzfs unmount -a\n\tumount -a\n}\n"
FUNCTION_OF_RC_SUBR = "mount_critical_filesystems()\n{\n\t_out=$( mount $_fs 2>&1 )\n\tmount -o ro $_fs\n}\n"

HARMLESS = {
    "mountcritlocal": start("#\tmount /var", "mount_critical_filesystems local", "(cd /var/run && rm -rf -- *)"),
    "with zfs": start("mount_critical_filesystems_zfs local || return $?", "zfs mount -a"),
    "mountall of 2018": start(
        "if [ -f /etc/zfs/cache ]; then",
        "\tzfs list >/dev/null 2>&1",
        "\tmount -a",
        "\tzfs mount -a",
        "else",
        "\tmount -a",
        "fi",
    ),
    "mountall of 2020": start("if checkyesno zfs; then", "\tzfs mount -a", "fi", "mount -a") + STOP,
    "zfs": start("if [ -x /sbin/zfs -a -f /etc/zfs/cache ]; then", "\t/sbin/zfs list >/dev/null 2>&1", "fi") + STOP,
    "fsck_root": start("while read fs_spec fs_file; do", "\tfsck $fsck_flags /", 'done < "${fstab_file}"'),
    "mountall": start("echo 'Mounting; umount -a is not here.'", "if [ -f /etc/zfs ]; then", "\tmount -a", "fi"),
    "stops": start("mount -a") + STOP,
    "lists": start('case "${nl}$( mount )${nl}" in', '*" on / type "*) ;;', "esac", "mount | grep -q /etc"),
    "rc.subr": FUNCTION_OF_RC_SUBR,
    "elsewhere": start("mount -t tmpfs tmpfs /var/shm", "umount /var/shm 2>/dev/null", "mount_tmpfs tmpfs /dev/shm"),
    "says": start('warn "cannot mount /etc"', 'print_rc_metadata "note:mount $_fs"', 'mountd_flags="-n"'),
    "names": start('name="mountd"', 'command="/usr/sbin/${name}"', "required_files=/etc/exports", "automount-x"),
    "a comment's umount": start(": # umount -a"),
}

HARMFUL = {
    "NetBSD 6's root": (start("umount -a >/dev/null 2>&1", "mount /", "rm -f /fastboot"), [12, 13]),
    "root with a path": (start("/sbin/umount -a"), [12]),
    "root with types": ("x_start() {\n\tumount -at nonfs\n}\n", [11]),
    "root mounted for writing": (start("mount -u -o rw /"), [12]),
    "all of a type": (start("umount -t union"), [12]),
    "a variable's": (start("for fs in $list; do umount -f ${fs}; done"), [12]),
    "over etc": (start("mount -t tmpfs tmpfs /etc"), [12]),
    "over var, slash": (start("mount_mfs -s 1m swap /var/"), [12]),
    "by eval": (start('eval "umount $fs"'), [12]),
    "by xargs": (start("cat list | xargs umount"), [12]),
    "on two lines": (start("umount \\", "    -a"), [12]),
    "after other words": (start("if ! A=b umount -a; then", "\t:", "fi"), [12]),
    "in a substitution": (start("echo $(umount -a)"), [12]),
    "in a quoted one": (start('echo "; $(umount -a)"'), [12]),
    "not in the stop function": (STOP + start("umount -a"), [17]),
    "unmounting by zfs": (start("zfs unmount -a"), [12]),
    "outside functions": ("umount -a\n", [10]),
    "in rc.subr, over etc": (FUNCTION_OF_RC_SUBR.replace("-o ro $_fs", "-t tmpfs tmpfs /etc"), [13]),
    "a program of its own": (start("my_tool --remount mount /etc"), [12]),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_releases_do_is_let_through(name: str) -> None:
    assert harms(script(HARMLESS[name])) == []


@pytest.mark.parametrize("name", HARMFUL)
def test_what_would_take_the_mounts_away_is_found(name: str) -> None:
    body, lines = HARMFUL[name]
    assert [harm.line for harm in harms(script(body))] == lines


def test_a_stop_function_is_known_by_its_name_in_stop_cmd() -> None:
    body = "unmount_them()\n{\n\tumount -a\n}\n"
    assert harms(script(body, stop="unmount_them")) == []
    assert [harm.line for harm in harms(script(body, stop="another"))] == [12]


@given(
    st.sampled_from(sorted(HARMLESS)), st.sampled_from(["umount -a", "mount /", "mount -t union /x /etc"]), st.data()
)
def test_a_line_put_into_a_start_function_is_always_found(name: str, added: str, data: st.DataObject) -> None:
    lines = HARMLESS[name].split("\n")
    ends = [number for number, line in enumerate(lines) if line == "}"]
    last = ends[0]
    at = data.draw(st.integers(2, last))
    if at and lines[at - 1].endswith(("in", "\\")):
        return  # there a command cannot stand
    assert harms(script("\n".join([*lines[:at], f"\t{added}", *lines[at:]])))


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    list(examine("etc/rc.d/x", text))


def tree_of(tmp_path: Path, **files: str) -> Tree:
    with new_blob(tmp_path / "blob") as blob:
        entries = tuple(
            Entry(path.replace("__", "/"), "file", 0o555, 0, 0, 0, content=blob.add(text.encode()))
            for path, text in files.items()
        )
    return merge([Layer("set-etc", entries)], epoch=0)


def test_a_build_stops_with_file_and_line(tmp_path: Path) -> None:
    root = script(HARMFUL["NetBSD 6's root"][0])
    tree = tree_of(
        tmp_path, **{"etc/rc.netbsd": "x\n", "etc/rc.d/root": root, "etc/rc.d/fine": script(HARMLESS["stops"])}
    )
    with pytest.raises(GlassmasterError) as caught:
        require_harmless(tree)
    assert caught.value.what == "set-etc: etc/rc.d/root:12: umount -a"
    assert "unmounts everything" in (caught.value.why or "")


def test_a_tree_without_our_chain_is_not_looked_at(tmp_path: Path) -> None:
    require_harmless(tree_of(tmp_path, **{"etc/rc.d/root": script(HARMFUL["NetBSD 6's root"][0])}))
