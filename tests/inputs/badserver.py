"""A seeded server that spoils what it serves: it resets, stalls, truncates, corrupts, and answers 500.

Which request meets what follows from the seed, the path and how often that was asked for, not from the order in which
threads come.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("reset", "stall", "truncate", "corrupt", "500")
_PIECE = 16 * 1024
_SEND_BUFFER = 16 * 1024


@dataclass
class BadServer:
    """What is served, by path, and what happened.

    trouble: how probable it is that a request meets a fault. sent: body bytes by path. faults: how many of each kind.
    asked: requests by path.
    ranges: whether Range is understood; with HEAD, as S3's clients ask, that is enough of an S3 to read from.
    sent_something: called after each piece.
    """

    files: Mapping[str, bytes]
    seed: int
    trouble: float
    url: str = ""
    ranges: bool = True
    sent: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    sent_something: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Serve one request, or spoil it."""
        path = handler.path
        with self._lock:
            self.asked[path] += 1
            chance = random.Random(f"{self.seed} {path} {self.asked[path]}")
            fault = chance.choice(FAULTS) if chance.random() < self.trouble else ""
            if fault:
                self.faults[fault] += 1
        body = self.files.get(path)
        if body is None or fault == "500":
            handler.send_error(404 if body is None else 500)
            return
        asked = handler.headers.get("Range", "") if self.ranges else ""
        start, end = _bounds(asked, len(body))
        part = body[start:end]
        handler.send_response(206 if asked else 200)
        if asked:
            handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
        handler.send_header("Content-Length", str(len(part)))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        self._send(handler, part, fault, chance)

    def _send(self, handler: BaseHTTPRequestHandler, part: bytes, fault: str, chance: random.Random) -> None:
        end = chance.randrange(len(part)) if fault in ("reset", "stall", "truncate") else len(part)
        if fault == "corrupt":
            place = chance.randrange(len(part))
            part = part[:place] + bytes([part[place] ^ 0xFF]) + part[place + 1 :]
        for begin in range(0, end, _PIECE):
            piece = part[begin : min(begin + _PIECE, end)]
            handler.wfile.write(piece)
            with self._lock:
                self.sent[handler.path] += len(piece)
            self.sent_something()
        handler.close_connection = bool(fault)
        if fault == "reset":
            # Closing with lingering switched off and a time of 0 sends RST.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault == "stall":
            # Until the other side has had enough and closes the connection.
            handler.connection.settimeout(0.05)
            while not self._closing.is_set():
                try:
                    if not handler.connection.recv(1):
                        return
                except TimeoutError:
                    continue


def _bounds(header: str, size: int) -> tuple[int, int]:
    first, _, last = header.removeprefix("bytes=").partition("-")
    return int(first or 0), min(int(last) + 1, size) if last else size


@contextmanager
def serving(server: BadServer) -> Iterator[BadServer]:
    """Serve on this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            # Otherwise all of a small file would be on its way before the other side has seen any of it.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            with suppress(BrokenPipeError, ConnectionResetError):
                super().handle()

        def do_GET(self) -> None:
            server.answer(self)

        do_HEAD = do_GET  # noqa: N815  # http.server's name

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        server._closing.set()
        http.shutdown()
        thread.join()
        http.server_close()
