"""Downloads through a server that resets, stalls, truncates, corrupts and answers 500; and fetches that are killed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from glassmaster.inputs.download import download
from glassmaster.inputs.incoming import Wanted
from glassmaster.inputs.store import Store
from glassmaster.inputs.transfer import Patience
from tests.inputs.badserver import FAULTS, BadServer, serving

REPOSITORY = Path(__file__).resolve().parents[2]
HURRIED = Patience(connect=5, silence=0.3, pause=0.01, longest_pause=0.05)
# Six requests of ten meet a fault; a fifth of those are corruptions.
TROUBLE = 0.6
MOST_BYTES = 1.5

FETCH = """
import sys, json
from pathlib import Path
from glassmaster.inputs.download import download
from glassmaster.inputs.incoming import Wanted
from glassmaster.inputs.store import Store
wanted = [Wanted(name, tuple(urls), sha512, size) for name, urls, sha512, size in json.loads(sys.argv[2])]
download(wanted, Store(Path(sys.argv[1])), say=lambda line: print(line, flush=True))
"""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def ten_sets(seed: int) -> dict[str, bytes]:
    chance = random.Random(seed)
    return {f"/sets/set{number}.tgz": chance.randbytes(chance.randrange(300_000, 1_300_000)) for number in range(10)}


def wanted_from(server: BadServer) -> list[Wanted]:
    return [
        Wanted(path.removeprefix("/"), (server.url + path,), hashlib.sha512(body).hexdigest(), len(body))
        for path, body in server.files.items()
    ]


@pytest.mark.parametrize("seed", range(8))
def test_ten_sets_through_a_bad_proxy(store: Store, seed: int) -> None:
    with serving(BadServer(ten_sets(seed), seed, TROUBLE)) as server:
        wanted = wanted_from(server)
        arrived = download(wanted, store, patience=HURRIED, say=lambda line: None)
    assert [item.wanted for item in arrived] == wanted
    for item in wanted:
        assert store.verified(item.sha512, item.name).stat().st_size == item.size
    total = sum(item.size for item in wanted)
    sent = sum(server.sent.values())
    print(f"seed {seed}: {sent / total:.3f} of the bytes, faults: {dict(sorted(server.faults.items()))}")
    assert sent <= MOST_BYTES * total
    assert sum(server.faults[fault] for fault in FAULTS) >= 2


def test_the_seeds_meet_every_kind_of_fault(store: Store) -> None:
    faults: Counter[str] = Counter()
    with serving(BadServer(ten_sets(5), 5, 1.0)) as server:
        with pytest.raises(Exception, match="of 10 files did not arrive"):
            download(wanted_from(server), store, patience=Patience(silence=0.1, pause=0.01, rounds=3), say=print)
        faults += server.faults
    assert set(FAULTS) <= faults.keys()


@dataclass
class Killer:
    """Kills a process when the server has sent so many bytes more, or when it has said so many lines."""

    server: BadServer
    process: subprocess.Popen[str] | None = None
    bytes_left: int | None = None

    def sent_something(self) -> None:
        if self.process and self.bytes_left is not None and sum(self.server.sent.values()) >= self.bytes_left:
            self.process.send_signal(signal.SIGKILL)

    def run(self, store: Store, wanted: Sequence[Wanted], *, after_bytes: int | None, after_lines: int | None) -> int:
        """The exit status of one fetch."""
        rows = [(item.name, item.urls, item.sha512, item.size) for item in wanted]
        self.bytes_left = None if after_bytes is None else sum(self.server.sent.values()) + after_bytes
        self.process = subprocess.Popen(
            [sys.executable, "-c", FETCH, str(store.root), json.dumps(rows)], cwd=REPOSITORY, text=True,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(REPOSITORY), "no_proxy": "127.0.0.1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        for number, _ in enumerate(self.process.stdout, 1):
            if after_lines is not None and number >= after_lines:
                self.process.send_signal(signal.SIGKILL)
        self.process.stdout.close()
        return self.process.wait(60)


@pytest.mark.parametrize(("kills", "seed"), [(12, 1), pytest.param(64, 2, marks=pytest.mark.slow)])
def test_killed_fetches(tmp_path: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    killed = finished = resumed = sent = 0
    with serving(BadServer(ten_sets(seed), seed, 0.0)) as server:
        wanted = wanted_from(server)
        total = sum(item.size for item in wanted)
        killer = Killer(server)
        server.sent_something = killer.sent_something
        store = Store(tmp_path / "store 0")
        while killed < kills:
            complete = {item.name: server.asked[f"/{item.name}"] for item in wanted if item.sha512 in store}
            resumed += sum(path.stat().st_size > 0 for path in store.root.glob("incoming/*"))
            by_lines = chance.random() < 0.3
            status = killer.run(
                store, wanted,
                after_bytes=None if by_lines else chance.randrange(total),
                after_lines=chance.randrange(1, 4) if by_lines else None,
            )  # fmt: skip
            assert status in (0, -signal.SIGKILL)
            for path in store.root.glob("sha512/*/*"):
                assert hashlib.sha512(path.read_bytes()).hexdigest() == path.name, "something bad is in the store"
            again = [name for name, asked in complete.items() if server.asked[f"/{name}"] != asked]
            assert again == [], "fetched although it was complete"
            killed += status != 0
            if all(item.sha512 in store for item in wanted):
                assert list(store.root.glob("incoming/*")) == []
                finished += 1
                store = Store(tmp_path / f"store {finished}")
        sent = sum(server.sent.values())
    print(f"{killed} kills, {finished} whole fetches, {resumed} files resumed, {sent / total:.2f} times one's bytes")
    assert resumed > 0 and finished > 0
