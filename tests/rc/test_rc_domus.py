"""glassmaster-domu: virtual machines started in order and stopped in reverse, each by itself."""

from __future__ import annotations

import pytest

from tests.rc.sandbox import Sandbox

# Which machines run: files below /running. `xl create FILE` makes one of the name in FILE.
XL = """
case $1 in
list) [ -e "/running/$2" ] || exit 1 ;;
create) name=$(sed -n 's/^name = "\\(.*\\)"/\\1/p' "$2"); [ ! -e /refuse ] || { echo "no memory" >&2; exit 3; }
	cp "$2" "/running/$name" ;;
shutdown) [ -e /stubborn ] || rm "/running/$3" ;;
destroy) rm "/running/$2" ;;
esac
"""
# vnd0 is taken by something else; `vnconfig -l vndN` says so.
VNCONFIG = """
case $1 in
-l) if [ -e "/vnd/$2" ]; then echo "$2: /some (/dev/cd0a) inode 1"; else echo "$2: not in use"; fi ;;
-u) if grep -qx "$2" /held; then sed -i "1d" /held; echo "vnconfig: $2: Device busy" >&2; exit 1; fi; rm "/vnd/$2" ;;
-r) echo "$3" >"/vnd/$2" ;;
*) echo "$2" >"/vnd/$1" ;;
esac
"""


@pytest.fixture
def machine(sandbox: Sandbox) -> Sandbox:
    sandbox.answer("xl", XL)
    sandbox.answer("vnconfig", VNCONFIG)
    sandbox.write("vnd/vnd0", "")
    sandbox.write("held", "")
    sandbox.write("dev/MAKEDEV", ': >"/dev/${1}d"\n')
    sandbox.write("images/base.img", "")
    sandbox.write("netbsd-XEN3_DOMU", "")
    (sandbox.root / "running").mkdir()
    return sandbox


def domu(machine: Sandbox, name: str, *lines: str) -> None:
    machine.write(f"config/local/domUs/{name}/domu.conf", "".join(f"{line}\n" for line in ("memory = 64", *lines)))


def acts(machine: Sandbox) -> list[str]:
    """What was done to machines and images, without the questions."""
    calls = machine.calls("xl", "vnconfig")
    return [call for call in calls if not call.startswith(("xl list", "vnconfig -l"))]


def test_they_start_in_order_and_stop_in_reverse(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img", "config = /dev/wd0g", "order = 20")
    domu(machine, "repo", "root = /images/base.img", "order = 10")
    domu(machine, "alone", "root = /dev/wd0h", "order = 10")
    domu(machine, "later", "root = /dev/wd0h", "order = 5", "autostart = no")
    done = machine.run("/usr/sbin/glassmaster-domu", "start")
    assert (done.status, done.stages()) == (
        0,
        [
            "domu status=ok name=alone memory=64",
            "domu status=ok name=repo memory=64",
            "domu status=ok name=web memory=64",
            "domus status=ok started=3 failed=0",
        ],
    )
    assert acts(machine) == [
        "xl create /memory/domUs/alone.xl",
        "vnconfig -r vnd1 /images/base.img",
        "xl create /memory/domUs/repo.xl",
        "vnconfig -r vnd2 /images/base.img",
        "xl create /memory/domUs/web.xl",
    ]
    assert 'disk = [ "phy:/dev/vnd2d,xvda,r", "phy:/dev/wd0g,xvdb,w" ]\n' in machine.text("running/web")
    machine.forget()
    done = machine.run("/usr/sbin/glassmaster-domu", "stop")
    assert done.stages() == [f"domu status=stopped name={name}" for name in ("web", "repo", "alone")]
    assert acts(machine) == [
        "xl shutdown -F web",
        "vnconfig -u vnd2",
        "xl shutdown -F repo",
        "vnconfig -u vnd1",
        "xl shutdown -F alone",
    ]


def test_what_was_started_is_stopped_whatever_became_of_its_configuration(machine: Sandbox) -> None:
    for name in ("broken", "gone", "web"):
        domu(machine, name, "root = /images/base.img")
    machine.run("/usr/sbin/glassmaster-domu", "start")
    domu(machine, "broken", "root = relative")
    (machine.root / "config/local/domUs/gone/domu.conf").unlink()
    machine.forget()
    done = machine.run("/usr/sbin/glassmaster-domu", "stop")
    assert done.stages() == [f"domu status=stopped name={name}" for name in ("web", "broken", "gone")]
    assert not any((machine.root / "running").iterdir())
    assert [call for call in acts(machine) if call.startswith("vnconfig")] == [f"vnconfig -u vnd{n}" for n in (3, 1, 2)]


def test_a_broken_one_is_reported_and_the_others_start(machine: Sandbox) -> None:
    domu(machine, "a-broken", "root = relative")
    domu(machine, "Bad_name", "root = /images/base.img")
    domu(machine, "no-image", "root = /images/base.img", "data = /images/missing.img")
    domu(machine, "no-kernel", "root = /images/base.img", "kernel = /missing")
    domu(machine, "web", "root = /images/base.img")
    done = machine.run("/usr/sbin/glassmaster-domu", "start")
    assert done.status == 1
    file = "/config/local/domUs/a-broken/domu.conf"
    missing = "glassmaster: there is no image /images/missing.img"
    assert done.stages() == [
        'domu status=failed name=Bad_name why="Bad_name: not a name for a virtual machine"',
        f'domu status=failed name=a-broken why="{file}:2: root: must be an absolute path of plain characters"',
        f'domu status=failed name=no-image why="/images/missing.img could not be attached: {missing}"',
        'domu status=failed name=no-kernel why="there is no kernel /missing"',
        "domu status=ok name=web memory=64",
        "domus status=failed started=1 failed=4",
    ]
    # What was attached for the one that could not start is given back, and used again.
    assert acts(machine) == [
        "vnconfig -r vnd1 /images/base.img",
        "vnconfig -u vnd1",
        "vnconfig -r vnd1 /images/base.img",
        "xl create /memory/domUs/web.xl",
    ]


def test_what_xl_refuses_is_said_and_given_back(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img")
    machine.write("refuse", "")
    done = machine.run("/usr/sbin/glassmaster-domu", "start", "web")
    assert (done.status, done.stages()) == (1, ['domu status=failed name=web why="xl create: no memory"'])
    assert acts(machine)[-1] == "vnconfig -u vnd1"


def test_an_image_without_xl_says_so(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img")
    (machine.root / "sbin/xl").unlink()
    done = machine.run("/usr/sbin/glassmaster-domu", "start", "web")
    assert (done.status, done.stages()) == (1, ['domu status=failed name=web why="there is no xl on this image"'])
    assert acts(machine) == []


def test_one_that_runs_is_left_alone_and_one_that_is_not_there_is_said(machine: Sandbox) -> None:
    machine.write("running/web", "")
    done = machine.run("/usr/sbin/glassmaster-domu", "start", "web", "none")
    assert done.stages() == [
        "domu status=ok name=web already=running",
        'domu status=failed name=none why="there is no /config/local/domUs/none/domu.conf"',
    ]


def test_one_that_does_not_shut_down_is_destroyed(machine: Sandbox) -> None:
    domu(machine, "web", "root = /dev/wd0h")
    machine.write("running/web", "")
    machine.write("stubborn", "")
    done = machine.run("/usr/sbin/glassmaster-domu", "stop", env={"glassmaster_domus_wait": "2"})
    assert done.stages()[0] == 'domu status=warn name=web why="did not shut down, destroyed"'
    assert acts(machine) == ["xl shutdown -F web", "xl destroy web"]
    assert machine.calls("sleep") == ["sleep 1", "sleep 1"]


def test_another_program_can_attach(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img")
    machine.write("hook", '#!/bin/sh\necho "hook $*" >>/calls\necho /dev/loop7\n', mode=0o755)
    machine.run("/usr/sbin/glassmaster-domu", "start", env={"glassmaster_attach": "/hook"})
    assert machine.calls("hook", "vnconfig") == ["hook /images/base.img r"]
    assert 'disk = [ "phy:/dev/loop7,xvda,r" ]\n' in machine.text("running/web")


def test_settings_of_rc_conf_hold_by_hand_too(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img")
    machine.write("hook", '#!/bin/sh\necho "hook $*" >>/calls\necho /dev/loop7\n', mode=0o755)
    settings = "glassmaster_attach=/hook\nglassmaster_domus_wait=1\n"
    machine.write("config/local/etc/rc.conf", f". /etc/defaults/rc.conf\n{settings}")
    machine.write("stubborn", "")
    machine.run("/usr/sbin/glassmaster-domu", "start", "web")
    machine.run("/usr/sbin/glassmaster-domu", "stop", "web")
    assert machine.calls("hook", "vnconfig") == ["hook /images/base.img r", "hook -d /dev/loop7"]
    assert machine.calls("sleep") == ["sleep 1"] and acts(machine)[-1] == "xl destroy web"
    # What rc.d exports comes first: it is of the whole rc.conf, with rc.conf.d.
    machine.forget()
    machine.run("/usr/sbin/glassmaster-domu", "start", "web", env={"glassmaster_attach": "/libexec/glassmaster/attach"})
    assert machine.calls("hook") == [] and "vnconfig -r vnd1 /images/base.img" in acts(machine)


def test_a_device_that_is_held_for_a_moment_is_given_back_then(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img")
    machine.run("/usr/sbin/glassmaster-domu", "start")
    machine.write("held", "vnd1\n" * 2)
    assert machine.run("/usr/sbin/glassmaster-domu", "stop").stages() == ["domu status=stopped name=web"]
    assert machine.calls("sleep") == ["sleep 1"] * 2 and not (machine.root / "vnd/vnd1").exists()
    assert not (machine.root / "memory/domUs/web.attached").exists()


def test_a_device_that_cannot_be_given_back_is_said_and_tried_again(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img", "data = /images/base.img")
    machine.run("/usr/sbin/glassmaster-domu", "start")
    machine.write("held", "vnd1\n" * 6)
    busy = "vnconfig: vnd1: Device busy"
    warn = f'domu status=warn name=web why="could not be detached: /dev/vnd1d: {busy}"'
    assert machine.run("/usr/sbin/glassmaster-domu", "stop").stages() == [warn, "domu status=stopped name=web"]
    assert machine.text("memory/domUs/web.attached") == "/dev/vnd1d\n" and machine.calls("sleep") == ["sleep 1"] * 4
    assert not (machine.root / "vnd/vnd2").exists()
    machine.run("/usr/sbin/glassmaster-domu", "stop", "web")
    assert not (machine.root / "memory/domUs/web.attached").exists() and not (machine.root / "vnd/vnd1").exists()


def test_one_that_ended_by_itself_gives_back_its_devices(machine: Sandbox) -> None:
    domu(machine, "web", "root = /images/base.img")
    machine.run("/usr/sbin/glassmaster-domu", "start")
    (machine.root / "running/web").unlink()
    machine.forget()
    assert machine.run("/usr/sbin/glassmaster-domu", "stop").stages() == []
    assert acts(machine) == ["vnconfig -u vnd1"] and not (machine.root / "vnd/vnd1").exists()


def test_without_any_nothing_is_done(machine: Sandbox) -> None:
    done = machine.run("/usr/sbin/glassmaster-domu", "start")
    assert (done.status, done.stages()) == (0, ["domus status=ok started=0 failed=0"])
    assert machine.run("/usr/sbin/glassmaster-domu").status == 1
