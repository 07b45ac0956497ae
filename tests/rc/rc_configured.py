"""rc.conf files, and where in them the start would end ("Multiuser boot aborted"): one corpus for both readers."""

from __future__ import annotations

NEITHER = "neither reads /etc/defaults/rc.conf nor sets rc_configured=YES: the start would end there"
NOT_YES = "rc_configured is not YES: the start would end there"

# What the file says, and the end of the remark about it, from the line on; "" when it starts.
RC_CONFS = {
    "": f": {NEITHER}",
    "hostname=alpha\n": f": {NEITHER}",
    "hostname=alpha": f": {NEITHER}",
    "# . /etc/defaults/rc.conf\n": f": {NEITHER}",
    "hostname=alpha # . /etc/defaults/rc.conf\n": f": {NEITHER}",
    "# rc_configured=YES\nhostname=a\n": f": {NEITHER}",
    "my_rc_configured=YES\n": f": {NEITHER}",
    "rc_configured=NO\n": f":1: {NOT_YES}",
    "rc_configured=\n": f":1: {NOT_YES}",
    ". /etc/defaults/rc.conf\n\nrc_configured=NO\nhostname=a\n": f":3: {NOT_YES}",
    "rc_configured=YES\nrc_configured=no # for now\n": f":2: {NOT_YES}",
    "rc_configured=YES; rc_configured=NO\n": f":1: {NOT_YES}",
    ". /etc/defaults/rc.conf\n": "",
    ". /etc/defaults/rc.conf": "",
    "\t.\t/etc/defaults/rc.conf\n": "",
    "if [ -r /etc/defaults/rc.conf ]; then\n\t. /etc/defaults/rc.conf\nfi\nhostname=alpha\n": "",
    "if [ -r /etc/defaults/rc.conf ]; then . /etc/defaults/rc.conf; fi\n": "",
    "[ ! -r /etc/defaults/rc.conf ]||. /etc/defaults/rc.conf\n": "",
    '. "/config/global/rc.conf"\n': "",
    "rc_configured=NO\n. /etc/defaults/rc.conf\n": "",
    "rc_configured=YES\n": "",
    "rc_configured=yes\n": "",
    "rc_configured='True' # ours\n": "",
    'rc_configured="1"\n': "",
    "hostname=a; rc_configured=on\n": "",
    "rc_configured=${x:-NO}\n": "",
}
