"""Builds that are disturbed: a synthetic project of short tasks, and the stand-in release in a copy of the repository.

Both append what happens to a file `events`, from the process that keeps doit's state: "start TASK" when a task is
about to run, "done TASK" when its completion has been recorded. So the file tells, without asking the state that is
under test, which tasks must not run again.
"""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MARKER = "RELIABILITY_RUN"
# Seconds after which a build counts as hung, or a process as left behind.
TIMEOUT = 120
GONE_SECONDS = 20.0
# Not outputs: what the state, the reporter and the harness keep beside them.
NOT_OUTPUTS = (".doit.db", "stubborn")

RECORDER = '''

import os as _os
from doit.reporter import ConsoleReporter as _ConsoleReporter


class Recorder(_ConsoleReporter):
    """Notes in `events` what runs and what is done."""

    desc = "notes events in a file"

    def _note(self, word, task):
        if not task.actions:
            return  # a group
        line = f"{word} {task.name}\\n".encode()
        descriptor = _os.open(_os.environ["RELIABILITY_EVENTS"], _os.O_WRONLY | _os.O_CREAT | _os.O_APPEND)
        _os.write(descriptor, line)
        _os.close(descriptor)

    def execute_task(self, task):
        self._note("start", task)
        super().execute_task(task)

    def add_success(self, task):
        self._note("done", task)
        super().add_success(task)


DOIT_CONFIG = {**globals().get("DOIT_CONFIG", {}), "reporter": Recorder}
'''

DODO = '''
"""Short tasks that start children, grandchildren in sessions of their own, and files that are not finished."""

import functools
import hashlib
import tempfile
from pathlib import Path

from doit.exceptions import TaskFailed

from glassmaster.atomic import writing
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.store import default_store
from glassmaster.run import Command, run

DOIT_CONFIG = {"default_tasks": ["joined"]}
PARTS = 6
# A daemon, which in some rounds ignores SIGTERM; a grandchild in the program's session; and some work.
SCRIPT = "([ ! -e stubborn ] || trap '' TERM; exec setsid sleep 600) & sleep 600 & sleep 0.04; echo $1"


def explained(function):
    """As glassmaster's own steps: what the machine refuses fails the task, in one line."""

    @functools.wraps(function)
    def act(*arguments):
        try:
            function(*arguments)
        except (GlassmasterError, OSError) as error:
            return TaskFailed(str(error))

    return act


@explained
def part(number):
    store = default_store()
    text = run(Command(("sh", "-c", SCRIPT, "sh", str(number))))
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as work:
        (Path(work) / "scratch").write_bytes(text * 1000)
        with store.deriving("part", str(number)) if not store.derived("part", str(number)).exists() else \\
                tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "made").write_bytes(text * 1000)
            run(Command(("sleep", "0.02")))
        stored = store.add((text * 1000 for _ in range(50)), what="part")
        with writing(Path(f"out/part-{number}")) as stream:
            for piece in range(10):
                stream.write(hashlib.sha256(text + stored.sha512.encode()).digest() * 500)
                stream.flush()
            run(Command(("sleep", "0.02")))


@explained
def join():
    with writing(Path("out/joined")) as stream:
        for number in range(PARTS):
            stream.write(Path(f"out/part-{number}").read_bytes())


def task_part():
    for number in range(PARTS):
        needs = [f"out/part-{number - 3}"] if number >= 3 else ["dodo.py"]
        yield {"name": str(number), "actions": [(part, [number])], "targets": [f"out/part-{number}"],
               "file_dep": needs}


def task_joined():
    return {"actions": [join], "file_dep": [f"out/part-{number}" for number in range(PARTS)], "targets": ["out/joined"]}
'''

PYPROJECT = """
[tool.doit]
dep_file = ".doit.db"
backend = "reliable"

[tool.doit.plugins.backend]
reliable = "glassmaster.doit_plugins.state:StateDB"
"""


@dataclass
class Project:
    """A directory in which doit runs. folder holds it, its store and its temporary directory.

    supervised: False starts doit bare, to show what the supervisor is for.
    notes:      where the log and the events are, if not in folder.
    """

    folder: Path
    task: str = "joined"
    supervised: bool = True
    store_given: Path | None = None
    notes: Path | None = None
    marker: str = field(default_factory=lambda: os.urandom(6).hex())

    @property
    def path(self) -> Path:
        """Where dodo.py is."""
        return self.folder / "project"

    @property
    def store(self) -> Path:
        """The store."""
        return self.store_given or self.folder / "store"

    @property
    def temporary(self) -> Path:
        """TMPDIR of the runs. Its name is the marker, since the programs of steps see no other variable of ours."""
        return self.folder / self.marker

    def start(self, *arguments: str) -> Run:
        """Start doit, as the leader of a process group, as a shell does."""
        self.temporary.mkdir(exist_ok=True)
        with self._note("log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "glassmaster" if self.supervised else "doit", "run", *arguments, self.task],
                cwd=self.path, env=self.environment(), process_group=0,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        return Run(process)

    def environment(self) -> dict[str, str]:
        """The variables of the runs."""
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "GLASSMASTER_STORE": str(self.store),
            "TMPDIR": str(self.temporary), "PYTHONPATH": str(self.library), "PYTHONDONTWRITEBYTECODE": "1",
            MARKER: self.marker, "LC_ALL": "C.UTF-8", "RELIABILITY_EVENTS": str(self._note("events")),
        }  # fmt: skip

    @property
    def library(self) -> Path:
        """Where the package glassmaster is imported from: the project itself, if it is a copy of the repository."""
        return self.path if (self.path / "glassmaster").exists() else REPOSITORY

    def partial(self) -> list[Path]:
        """What has no final name, and what is in the temporary directory."""
        tops = (self.path, self.store)
        return [path for top in tops for path in top.rglob("*.partial")] + list(self.temporary.iterdir())

    def events(self) -> list[str]:
        """What has happened; see the module."""
        path = self._note("events")
        return path.read_text().splitlines() if path.exists() else []

    def digests(self) -> dict[str, str]:
        """Every file that a build makes, of the project and of its store, with the SHA-256 of its content.

        The project's own path is left out of the content: the stand-in's inputs have URLs of this computer.
        """
        found, own = {}, str(self.path).encode()
        for top in (self.path, *([] if self.store_given else [self.store])):
            for path in top.rglob("*"):
                name = str(path.relative_to(self.folder))
                if path.is_file() and not path.name.startswith(NOT_OUTPUTS):
                    found[name] = hashlib.sha256(path.read_bytes().replace(own, b"")).hexdigest()
        return found

    def log(self) -> str:
        """What doit printed."""
        return self._note("log").read_text(errors="replace")

    def _note(self, name: str) -> Path:
        return (self.notes or self.folder) / name


@dataclass
class Run:
    """A doit that was started."""

    process: subprocess.Popen[bytes]

    def finish(self) -> int:
        """Wait for its end; its status."""
        return self.process.wait(TIMEOUT)

    def guardian(self) -> int | None:
        """The pid of the supervisor's second process, if it is there."""
        return next(iter(children(self.process.pid)), None)

    def worker(self) -> int | None:
        """The pid of doit itself."""
        guardian = self.guardian()
        return None if guardian is None else next(iter(children(guardian)), None)


def synthetic(folder: Path, *, supervised: bool = True, notes: Path | None = None) -> Project:
    """A new synthetic project. With a file `stubborn` in it, its daemons ignore SIGTERM."""
    project = Project(folder, supervised=supervised, notes=notes)
    project.path.mkdir(parents=True)
    (project.path / "dodo.py").write_text(DODO + RECORDER)
    (project.path / "pyproject.toml").write_text(PYPROJECT)
    return project


def standin(folder: Path, template: Path, store: Path, notes: Path | None = None) -> Project:
    """A copy of the repository, as `repository` made one, in which the stand-in is built with a store that is full."""
    project = Project(folder, task="iso", store_given=store, notes=notes)
    project.folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(template, project.path, symlinks=True)
    return project


def repository(target: Path) -> Path:
    """What of the repository a build needs, with the recorder."""
    target.mkdir(parents=True)
    for name in ("glassmaster", "recipes", "overlays", "pkgsets", "dodo.py", "pyproject.toml", "doit", "requirements"):
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
    with (target / "dodo.py").open("a") as stream:
        stream.write(RECORDER)
    return target


def children(pid: int) -> list[int]:
    """The children of a process, oldest first."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def marked(marker: str) -> list[int]:
    """The processes that have our marker in the environment that they, or what they were forked from, started with."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and marker.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def wait_for_end(pids: list[int], seconds: float) -> list[int]:
    """Wait until processes have ended, at most so long for all of them; those that have not."""
    left, until = [], time.monotonic() + seconds
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
                left.append(pid)
        finally:
            os.close(descriptor)
    return left


def kill_left(marker: str) -> list[str]:
    """Kill whatever is still there of a project, as harnesses clean up after themselves; what it was."""
    lines = []
    for pid in marked(marker):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
        lines.append(f"{pid} {line}")
    return lines
