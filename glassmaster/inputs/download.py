"""Many wanted files into the store, several at a time, over pooled connections."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from glassmaster.doit_plugins.progress import Advance, progress
from glassmaster.doit_plugins.summary import size_text
from glassmaster.errors import GlassmasterError, indented
from glassmaster.inputs.incoming import Wanted, claimed
from glassmaster.inputs.store import Store
from glassmaster.inputs.transfer import NotArrivedError, Patience, StoppedError, Transfer

if TYPE_CHECKING:
    import requests

AGAIN = "what arrived stays in the store: the same command, run again, fetches only the rest"
# A pause that is shorter is not worth a line.
LONG_PAUSE = 4.0


@dataclass(frozen=True)
class Arrived:
    """A file that is in the store. url: where its end came from, "" if all of it was here.

    received: how many bytes came over the wire for it, wasted ones included.
    """

    wanted: Wanted
    url: str = ""
    received: int = 0


def download(
    wanted: Sequence[Wanted], store: Store, *,
    at_once: int = 4, patience: Patience | None = None, say: Callable[[str], None] = print,
) -> list[Arrived]:  # fmt: skip
    """Bring files into the store, verified; one result for each, in the same order.

    say: gets a line for each file that was fetched, in this thread. Where all files are in the store nothing is opened.
    Raises one GlassmasterError that names all files that did not arrive; whatever else goes wrong (a full disk) ends
    everything at once.
    """
    found, failed = attempt(wanted, store, at_once=at_once, patience=patience, say=say)
    if failed:
        raise _sum(failed, len(found) + len(failed))
    return [replace(found.get(item.sha512, Arrived(item)), wanted=item) for item in wanted]


def attempt(
    wanted: Sequence[Wanted], store: Store, *,
    at_once: int = 4, patience: Patience | None = None, say: Callable[[str], None] = print, most_broken: int = 0,
) -> tuple[dict[str, Arrived], list[NotArrivedError]]:  # fmt: skip
    """As `download`: what arrived, by digest, and what did not.

    most_broken: when so many files did not arrive, and not for being absent, the rest is not tried; 0: no limit.
    """
    missing = {item.sha512: item for item in wanted if item.sha512 not in store}
    found: dict[str, Arrived] = {}
    failed: list[NotArrivedError] = []
    if not missing:
        return found, failed
    total = sum(item.size for item in missing.values())
    with progress("fetching", total, "bytes") as advance, closing(_session(at_once)) as session:
        work = _Work(store, session, patience or Patience(), advance)
        try:
            work.start(list(missing.values()), at_once)
            while len(found) + len(failed) < len(missing):
                news = work.news.get()
                if isinstance(news, str):
                    say(news)
                elif isinstance(news, Arrived):
                    found[news.wanted.sha512] = news
                elif isinstance(news, NotArrivedError):
                    failed.append(news)
                    if sum(not error.absent for error in failed) == most_broken > 0:
                        break
                else:
                    raise news
        finally:
            work.stop.set()
    return found, failed


class _Work:
    """What the threads share. They are daemons: a Ctrl-C need not wait until a silent server is given up."""

    def __init__(self, store: Store, session: requests.Session, patience: Patience, advance: Advance) -> None:
        self.stop = threading.Event()
        self.news: queue.SimpleQueue[str | Arrived | BaseException] = queue.SimpleQueue()
        self._left: queue.SimpleQueue[Wanted] = queue.SimpleQueue()
        self._store, self._session, self._patience, self._advance = store, session, patience, advance

    def start(self, files: Sequence[Wanted], at_once: int) -> None:
        for item in files:
            self._left.put(item)
        for _ in range(min(at_once, len(files))):
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                item = self._left.get_nowait()
            except queue.Empty:
                return
            try:
                self.news.put(self._one(item))
            except StoppedError:
                return
            except BaseException as error:  # for the thread that waits
                self.news.put(error)

    def _one(self, item: Wanted) -> Arrived | NotArrivedError:
        def waiting() -> None:
            self.news.put(f"{item.name}: another process is fetching it; waiting for that")

        with claimed(item, self._store, waiting) as part:
            if part is None:
                self._advance(item.size)
                return Arrived(item)
            here, begin = part.size, time.monotonic()
            self._advance(here)
            transfer = Transfer(part, self._session, self._patience, self.stop, self._advance, self._pausing(item))
            try:
                url = transfer.run()
            except NotArrivedError as error:
                return error
        self.news.put(_line(item, url, here, transfer, time.monotonic() - begin))
        return Arrived(item, url, transfer.received)

    def _pausing(self, item: Wanted) -> Callable[[float, str], None]:
        def tell(seconds: float, why: str) -> None:
            if seconds >= LONG_PAUSE:
                self.news.put(f"{item.name}: next attempt in {seconds:.0f} s, after\n{indented(why)}")

        return tell


def _line(item: Wanted, url: str, here: int, transfer: Transfer, seconds: float) -> str:
    name = item.name.rpartition("/")[2]
    if not url:
        return f"{name}: all of it had come in an earlier run"
    remarks = []
    if here:
        remarks.append(f"the first {size_text(here)} had come in an earlier run")
    if transfer.failures:
        remarks.append(f"{transfer.failures} failed {'attempt' if transfer.failures == 1 else 'attempts'} before")
    size = size_text(transfer.received)
    return f"fetched {name} from {_host(url)}, {size} in {seconds:.1f} s" + "".join(f"; {text}" for text in remarks)


def _host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return "this machine"
    host = parts.netloc.rpartition("@")[2]
    return host if parts.scheme in ("http", "https") else f"{parts.scheme}://{host}"


def _session(at_once: int) -> requests.Session:
    # Here, not above: urllib3 opens a socket when it is imported, to see whether there is IPv6.
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=at_once))
    return session


def _sum(failed: Sequence[NotArrivedError], count: int) -> GlassmasterError:
    ordered = sorted(failed, key=lambda error: error.what)
    if len(ordered) == 1:
        return GlassmasterError(ordered[0].what, why=ordered[0].why, hint=AGAIN)
    why = "\n".join(f"{error.what}\n{indented(error.why)}" for error in ordered)
    return GlassmasterError(f"{len(ordered)} of {count} files did not arrive", why=why, hint=AGAIN)
