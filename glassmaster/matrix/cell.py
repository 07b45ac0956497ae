"""What a worker does for one recipe: unpack its source into a new directory, run doit there, deliver what was made.

This module is sent to the worker as it is, so it imports nothing of ours: what is run there is the source that came.
"""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

TAIL = 40  # lines
DELIVER = "glassmaster.matrix.deliver"


def build(
    name: str, archive: bytes, directory: str, recipe: str, tasks: list[str], results: str, environment: dict[str, str]
) -> dict[str, Any]:
    """Build one recipe. A plain dictionary, since the other side knows no class of this side.

    archive: source.tar.gz, of one top directory; directory: where doit is started, below that; recipe: its file, seen
    from there; results: URL below which the files of out/NAME go.
    """
    begin, work = time.monotonic(), Path(tempfile.mkdtemp(prefix="glassmaster-cell-"))
    try:
        place = _unpacked(archive, work) / directory
        words = [*tasks, f"recipe={recipe}", "locked=yes"]
        status, said, used = _run(words, "glassmaster", place, environment)
        files: list[Any] = []
        if status == 0:
            status, told, _ = _run([name, results], DELIVER, place, environment)
            files = json.loads(told.splitlines()[-1]) if status == 0 else []
            said = said if status == 0 else told
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {
        "name": name, "status": status, "said": "\n".join(said.splitlines()[-TAIL:]), "files": files,
        "seconds": time.monotonic() - begin, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss * 1024,
        "worker": f"{os.uname().nodename}:{os.getpid()}",
    }  # fmt: skip


def _unpacked(archive: bytes, work: Path) -> Path:
    """The archive's top directory. Its names are those that whoever asks gave; they stay below `work` all the same."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            path = (work / member.name).resolve()
            if not path.is_relative_to(work.resolve()):
                raise ValueError(f"{member.name}: leads out of the archive")
            path.parent.mkdir(parents=True, exist_ok=True)
            if member.issym():
                path.symlink_to(member.linkname)
            elif member.isfile():
                content = tar.extractfile(member)
                path.write_bytes(content.read() if content else b"")
                path.chmod(0o755 if member.mode & 0o100 else 0o644)
    (top,) = work.iterdir()
    return top


def _run(
    words: list[str], module: str, place: Path, environment: dict[str, str]
) -> tuple[int, str, resource.struct_rusage]:
    """A program of the source that came, by the worker's own Python: status, what it said, what it used."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DOIT"))}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words], cwd=place, env={**own, **environment}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        # With all that it started and waited for; getrusage would count other recipes of this worker too.
        _, ended, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(ended)
        output.seek(0)
        return process.returncode, output.read().decode("utf-8", "replace"), used
