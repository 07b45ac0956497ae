"""The configuration tree that config-new makes: one host, one virtual machine on it, and the checklists."""

from __future__ import annotations

from collections.abc import Mapping

_HOST, _GUEST = "pservers/dom0.example.org", "vservers/web"

_HOST_YAML = """\
# What the machine is, and how its disk is divided; docs/config-trees.md of glassmaster explains it.
memory: 2048
dom0_memory: 512
disk:
  name: wd0
  config: 128   # a
  swap: 512     # b
  var: 256      # e
  domus:
    web: {config: 32, swap: 128}   # f, g
"""

_HOST_RC_CONF = """\
if [ -r /etc/defaults/rc.conf ]; then
	. /etc/defaults/rc.conf
fi

hostname=dom0.example.org
ifconfig_wm0="inet 192.0.2.1 netmask 255.255.255.0"
defaultroute=192.0.2.254
sshd=YES

# As host.yaml divides the disk.
glassmaster_swap=/dev/wd0b
glassmaster_var=/dev/wd0e
"""

_BRIDGE = """\
create
!brconfig $int add wm0 up
"""

_SSHD_CONFIG = """\
# In the place of the disc's, for every OpenSSH from 5.9 on, see sshd_config(5). Before OpenSSH 7.0 NetBSD's lets root
# in by no means unless told so.
PermitRootLogin without-password
AuthorizedKeysFile .ssh/authorized_keys
# By keys only, root and all others: no password can be guessed from the network. The console still takes them.
PasswordAuthentication no
ChallengeResponseAuthentication no
# As in the disc's: accounts and sessions are PAM's.
UsePAM yes
Subsystem sftp /usr/libexec/sftp-server
# A login does not wait for name servers.
UseDNS no
"""

_HOST_PASSWD = """\
# Entries of master.passwd(5) that are put in the place of the disc's. A password is for the console; by ssh one logs in
# with the keys of accounts/ssh/root/authorized_keys, whether root has a password here or not.
#root:HASH OF THE PASSWORD, SEE pwhash(1):0:0::0:0:Charlie &:/root:/bin/sh
"""

_KEYS = """\
# root's authorized_keys, see sshd(8): one public key a line. OpenSSH before 6.5 knows no ed25519; RSA all of them know.
"""

_HOST_MTREE = """\
# Modes and owners where they are not root:wheel, 0644, 0755 for directories and programs: Subversion keeps neither.
./accounts/master.passwd  mode=0600 uname=root gname=wheel
./accounts/ssh/root       mode=0700 uname=root gname=wheel
./accounts/ssh/root/authorized_keys  mode=0600 uname=root gname=wheel
"""

_HOST_RESTART = """\
# What glassmaster-update restarts: a pattern for changed files, then scripts of /etc/rc.d.
local/etc/ntp.conf       ntpd
local/etc/ssh/sshd_*     sshd
"""

_DOMU_CONF = """\
# The web server.
memory = 256
mac    = 00:16:3e:00:00:01
bridge = bridge0
root   = /images/base.img
config = /dev/wd0f
swap   = /dev/wd0g
kernel = /netbsd-XEN3_DOMU
order  = 20
"""

_GUEST_RC_CONF = """\
if [ -r /etc/defaults/rc.conf ]; then
	. /etc/defaults/rc.conf
fi

hostname=web.example.org
ifconfig_xennet0="inet 192.0.2.2 netmask 255.255.255.0"
defaultroute=192.0.2.254
sshd=YES
"""

_GUEST_MTREE = """\
# Modes and owners where they are not root:wheel, 0644, 0755 for directories and programs: Subversion keeps neither.
./accounts/ssh/root       mode=0700 uname=root gname=wheel
./accounts/ssh/root/authorized_keys  mode=0600 uname=root gname=wheel
"""

_SHARED_MTREE = """\
# Modes and owners of what all servers share, where they are not root:wheel, 0644, 0755 for directories and programs.
"""

_HOSTS = """\
::1             localhost localhost.
127.0.0.1       localhost localhost.
192.0.2.1       dom0.example.org dom0
192.0.2.2       web.example.org web
"""

_RESOLV_CONF = """\
search example.org
nameserver 192.0.2.53
"""

_README = """\
# What is where

    pservers/HOST    /config/local of a machine; its domUs/NAME/domu.conf are the virtual machines that it runs
    vservers/NAME    /config/local of a virtual machine
    global           /config/global of them all
    docs             these checklists

On every server `glassmaster-update` fetches what was committed here.
Before a commit: `./doit config-check DIR recipe=NAME`.
"""

_NEW_HOST = """\
# A new machine

- [ ] `svn copy pservers/dom0.example.org pservers/HOST`, then correct `host.yaml`, `etc`, `domUs` and `accounts`
- [ ] its name and address into `global/hosts`
- [ ] `./doit config-check DIR recipe=NAME` has no remarks
- [ ] `svn commit`
- [ ] start the machine from the CD; without a configuration it ends in a shell
- [ ] `glassmaster-prepare` with the sizes of `host.yaml`, as `./doit config-disk` prints it, and `-r URL` of this
      repository
- [ ] leave the shell; the console shows `stage=config status=ok`
- [ ] log in as root by ssh with a key of `accounts/ssh/root/authorized_keys`; `etc/ssh/sshd_config` allows that
- [ ] commit the host keys of `/config/local/etc/ssh` if they shall survive the disk, with mode 0600 in `.mtree`
"""

_NEW_GUEST = """\
# A new virtual machine

- [ ] `svn copy vservers/web vservers/NAME`, then correct `etc/rc.conf` and `accounts`; by ssh in come the keys of
      `accounts/ssh/root/authorized_keys`
- [ ] room for it in `pservers/HOST/host.yaml`, at the end of `disk.domus`: then all other partitions keep their letters
- [ ] `pservers/HOST/domUs/NAME/domu.conf`, with a MAC address that no other has
- [ ] its name and address into `global/hosts`
- [ ] `./doit config-check DIR recipe=NAME` has no remarks
- [ ] `svn commit`, then on the host: `glassmaster-update`
- [ ] its partitions exist on the host's disk (a disk in use is not divided anew by itself)
- [ ] `glassmaster-domu start NAME`
"""

_NEW_RELEASE = """\
# A new CD for all

- [ ] `./doit config-check DIR recipe=NAME`: does anything here hide a file that the new CD has changed?
- [ ] compare these files, correct them, then `./doit config-check DIR recipe=NAME --seen`, and `svn commit`
- [ ] one machine first: change its CD, restart, look at its console for `status=warn` and `status=failed`
- [ ] then the others; going back is the old CD
"""

FILES: Mapping[str, str] = {
    f"{_HOST}/host.yaml": _HOST_YAML,
    f"{_HOST}/.mtree": _HOST_MTREE,
    f"{_HOST}/restart": _HOST_RESTART,
    f"{_HOST}/etc/rc.conf": _HOST_RC_CONF,
    f"{_HOST}/etc/ssh/sshd_config": _SSHD_CONFIG,
    f"{_HOST}/etc/ifconfig.bridge0": _BRIDGE,
    f"{_HOST}/accounts/master.passwd": _HOST_PASSWD,
    f"{_HOST}/accounts/ssh/root/authorized_keys": _KEYS,
    f"{_HOST}/domUs/web/domu.conf": _DOMU_CONF,
    f"{_GUEST}/.mtree": _GUEST_MTREE,
    f"{_GUEST}/etc/rc.conf": _GUEST_RC_CONF,
    f"{_GUEST}/etc/ssh/sshd_config": _SSHD_CONFIG,
    f"{_GUEST}/accounts/ssh/root/authorized_keys": _KEYS,
    "global/.mtree": _SHARED_MTREE,
    "global/hosts": _HOSTS,
    "global/resolv.conf": _RESOLV_CONF,
    "docs/README.md": _README,
    "docs/new-machine.md": _NEW_HOST,
    "docs/new-virtual-machine.md": _NEW_GUEST,
    "docs/new-release.md": _NEW_RELEASE,
}
LINKS: Mapping[str, str] = {
    f"{_HOST}/etc/resolv.conf": "/config/global/resolv.conf",
    f"{_GUEST}/etc/resolv.conf": "/config/global/resolv.conf",
}
