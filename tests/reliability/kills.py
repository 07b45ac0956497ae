"""Kills builds at random times, runs them again, and looks at what is left.

    python tests/reliability/kills.py --kills 200 --jobs 1,2 --seed 1

Each round starts a build, sends a signal at a random time, runs the build again at once, and demands:

- what has its final name after the kill is what an undisturbed build makes, byte for byte, and after the second run
  everything is, and there is no other file;
- no task whose completion had been recorded ran again;
- no process of either run is left, and no temporary directory.

Most rounds use the synthetic project, every tenth the stand-in release. Ends with status 1 if a round failed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from tests.reliability.project import (  # noqa: E402  # the program is started by its path
    GONE_SECONDS,
    Project,
    Run,
    kill_left,
    marked,
    repository,
    standin,
    synthetic,
    wait_for_end,
)

STANDIN_EVERY, STUBBORN_EVERY = 10, 7
# Beyond the undisturbed build's time: some kills are to come when all is done but the end.
BEYOND = 1.1


MISSING = "missing file"


@dataclass(frozen=True)
class Kill:
    """What is done to a run."""

    name: str
    send: Callable[[Run], None]


@dataclass(frozen=True)
class Round:
    """One round: its number says what is built, the rest what is done to it. at: as part of an undisturbed build."""

    number: int
    jobs: int
    kill: Kill
    at: float

    def __str__(self) -> str:
        return f"round {self.number}: {self.kill.name} at {self.at:.3f} of the build, {self.jobs} job(s)"


@dataclass(frozen=True)
class Build:
    """What is built: a new project for each round, and what an undisturbed one makes. seconds: for how many jobs."""

    make: Callable[[Path], Project]
    digests: dict[str, str]
    seconds: dict[int, float]


def _signal(number: signal.Signals, *who: str) -> Callable[[Run], None]:
    def send(run: Run) -> None:
        pids = {"caller": run.process.pid, "guardian": run.guardian(), "worker": run.worker()}
        for name in who:
            pid = pids[name]
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    return send


def _group(number: signal.Signals, times: int = 1) -> Callable[[Run], None]:
    def send(run: Run) -> None:
        for _ in range(times):
            with suppress(ProcessLookupError):
                os.killpg(run.process.pid, number)

    return send


KILLS = (
    Kill("SIGKILL to the caller", _signal(signal.SIGKILL, "caller")),
    Kill("SIGTERM", _signal(signal.SIGTERM, "caller")),
    Kill("Ctrl-C", _group(signal.SIGINT)),
    Kill("SIGKILL to the guardian", _signal(signal.SIGKILL, "guardian")),
    Kill("SIGKILL to the worker", _signal(signal.SIGKILL, "worker")),
    Kill("SIGKILL to the process group", _group(signal.SIGKILL)),
    Kill("SIGINT", _signal(signal.SIGINT, "caller")),
    Kill("SIGKILL to caller and guardian", _signal(signal.SIGKILL, "guardian", "caller")),
    Kill("SIGKILL to all three", _signal(signal.SIGKILL, "guardian", "caller", "worker")),
    Kill("SIGHUP to the process group", _group(signal.SIGHUP)),
)


def plan(kills: int, jobs: list[int], seed: int) -> list[Round]:
    """The rounds of a seed: each kill with each number of jobs in turn, at random times."""
    generator = random.Random(seed)
    each = [(kill, count) for kill in KILLS for count in jobs]
    return [
        Round(number, count, kill, generator.uniform(0.0, BEYOND))
        for number, (kill, count) in enumerate(each[index % len(each)] for index in range(kills))
    ]


def arguments(jobs: int) -> list[str]:
    """How doit is told to use so many processes; with one it uses none beside itself."""
    return ["-n", str(jobs)] if jobs > 1 else []


def undisturbed(folder: Path, make: Callable[[Path], Project], jobs: list[int]) -> Build:
    """Build once for each number of jobs; they must agree."""
    seconds, found = {}, []
    for count in jobs:
        project = make(folder / f"undisturbed-{count}")
        begin = time.monotonic()
        status = project.start(*arguments(count)).finish()
        seconds[count] = time.monotonic() - begin
        kill_left(project.marker)  # something, if there is no supervisor
        assert status == 0, project.log()
        found.append(project.digests())
    assert all(digests == found[0] for digests in found)
    return Build(make, found[0], seconds)


def disturb(item: Round, build: Build, folder: Path, gone_seconds: float = GONE_SECONDS) -> list[str]:
    """Play one round; what is wrong, one line each. A process is left behind if it is there so long afterwards."""
    project = build.make(folder / f"round-{item.number}")
    if item.number % STUBBORN_EVERY == 0:
        (project.path / "stubborn").touch()
    run = project.start(*arguments(item.jobs))
    wait_for_end([run.process.pid], item.at * build.seconds[item.jobs])
    item.kill.send(run)
    first = run.finish()
    whole = {name: digest for name, digest in project.digests().items() if ".partial" not in name}
    wrong = [f"after the kill: {line}" for line in different(whole, build.digests) if not line.startswith(MISSING)]
    before = project.events()
    again = project.start(*arguments(item.jobs)).finish()
    if again != 0:
        wrong.append(f"the second run ended with status {again}")
    wait_for_end(marked(project.marker), gone_seconds)
    wrong += [f"left behind: process {line}" for line in kill_left(project.marker)]
    wrong += different(project.digests(), build.digests)
    wrong += [f"left behind: {path}" for path in project.partial()]
    wrong += [f"ran again: {name}" for name in repeated(before, project.events()[len(before) :])]
    if wrong:
        wrong += [f"first status {first}", *(f"| {line}" for line in project.log().splitlines()[-30:])]
    else:
        shutil.rmtree(project.folder)
    return wrong


def different(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """How the files of a build differ from those of an undisturbed one."""
    lines = [f"stray file {name}" for name in sorted(found.keys() - expected.keys())]
    lines += [f"{MISSING} {name}" for name in sorted(expected.keys() - found.keys())]
    both = sorted(found.keys() & expected.keys())
    return lines + [f"wrong content {name}" for name in both if found[name] != expected[name]]


def repeated(before: list[str], after: list[str]) -> list[str]:
    """Tasks that were done before and started after."""
    done = {line.removeprefix("done ") for line in before if line.startswith("done ")}
    return [name for line in after if line.startswith("start ") and (name := line.removeprefix("start ")) in done]


def play(rounds: list[Round], builds: Callable[[Round], Build], folder: Path, workers: int) -> list[str]:
    """Play rounds, some at the same time; what failed, for people."""
    failed = []
    with ThreadPoolExecutor(workers) as pool:
        results = pool.map(lambda item: disturb(item, builds(item), folder), rounds)
        for item, wrong in zip(rounds, results, strict=True):
            if wrong:
                failed.append("\n  ".join([str(item), *wrong]))
                print(failed[-1], flush=True)
            elif sys.stdout.isatty():
                print(f"\r{item.number + 1} of {len(rounds)}", end="", flush=True)
    return failed


def standin_build(folder: Path, jobs: list[int]) -> Build:
    """The stand-in release, from a store that a first build fills."""
    template = repository(folder / "template")
    standin_project = standin(folder / "fill", template, folder / "full-store")
    assert standin_project.start().finish() == 0, standin_project.log()
    return undisturbed(folder / "standin", lambda path: standin(path, template, folder / "full-store"), jobs)


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="kill builds at random times and run them again")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", default="1,2", help="numbers of doit's processes, in turn (1,2)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--workers", type=int, default=2 * (os.cpu_count() or 1), help="rounds at the same time")
    options = parser.parse_args()
    jobs = [int(word) for word in options.jobs.split(",")]
    rounds = plan(options.kills, jobs, options.seed)
    begin = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    synthetic_build = undisturbed(folder / "synthetic", synthetic, jobs)
    real_build = standin_build(folder, jobs)
    builds = {True: real_build, False: synthetic_build}
    failed = play(rounds, lambda item: builds[is_standin(item)], folder, options.workers)
    print(f"seed {options.seed}: {len(rounds)} kills, {len(failed)} failed, {time.monotonic() - begin:.0f} s")
    for name, count in Counter(item.kill.name for item in rounds).items():
        print(f"  {count:4} {name}")
    print(f"  {sum(map(is_standin, rounds)):4} of them while building the stand-in release")
    if failed:
        print(f"what failed is in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def is_standin(item: Round) -> bool:
    """Whether a round builds the stand-in; over all kills and numbers of jobs in turn."""
    return item.number // 2 % STANDIN_EVERY == item.number // (2 * len(KILLS)) % STANDIN_EVERY


if __name__ == "__main__":
    sys.exit(main())
