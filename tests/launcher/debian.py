"""How the tests get Debian packages: from the mirror, and by the way, that this machine uses."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

RELEASE = "bookworm"


def mirrors() -> list[Path]:
    """Where this machine has Debian from, if it runs the same release; else mmdebstrap knows a mirror."""
    about = Path("/etc/os-release")
    if not about.exists() or f"VERSION_CODENAME={RELEASE}" not in about.read_text().splitlines():
        return []
    sources = [Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")]
    return [path for path in sources if path.exists() and "deb" in path.read_text()]


def apt_network_settings() -> str:
    """What this machine tells apt about its way to the mirror: proxies, and how far to trust its dates."""
    if shutil.which("apt-config") is None:
        return ""
    dump = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=True).stdout
    wanted = re.compile(r'Acquire::(https?::.*|Check-Date|Check-Valid-Until|Retries) "')
    return "".join(line + "\n" for line in dump.splitlines() if wanted.match(line))
