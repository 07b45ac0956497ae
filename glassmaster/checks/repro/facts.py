"""Prints facts about its surroundings as JSON. Started as a program of its own, by whatever Python a build has.

So nothing is taken for varied that is not: where a fact is as for the plain build, the variation was not in effect.
"""

import datetime
import json
import locale
import os
import subprocess
import sys
import time
from pathlib import Path


def facts(now: float, listed: str) -> dict[str, object]:
    """now: the clock of whoever asks. listed: a directory."""
    locale.setlocale(locale.LC_ALL, "")
    mask = os.umask(0)
    os.umask(mask)
    system = os.uname()
    offset = datetime.datetime.now().astimezone().utcoffset()
    return {
        "directory": str(Path.cwd()),
        "offset": offset.total_seconds() if offset else 0.0,
        "encoding": locale.nl_langinfo(locale.CODESET),
        "umask": mask,
        "home": os.environ.get("HOME", ""),
        "host": system.nodename,
        "user": os.getuid(),
        "hash": hash("surroundings"),
        "file_system": subprocess.check_output(["stat", "-f", "-c", "%T", "."], text=True),
        "listing": [path.name for path in Path(listed).iterdir()],
        "days": round((time.time() - now) / 86400),
        "personality": Path("/proc/self/personality").read_text(encoding="ascii"),
        "kernel": system.release,
        "machine": system.machine,
        "python": sys.version,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(facts(float(sys.argv[1]), sys.argv[2])))
