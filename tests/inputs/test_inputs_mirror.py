"""Files of a release from mirrors: file: and http:, and everything that a mirror can get wrong."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import mirror as mirror_module
from glassmaster.inputs.mirror import ReleaseMirror, set_file, take
from glassmaster.inputs.store import Store, Stored

SETS = "amd64/binary/sets"
TOP = "/NetBSD-10.1/amd64/binary/sets"
BODY = gzip.compress(b"a set" * 1000, mtime=0)
SHA512 = hashlib.sha512(BODY).hexdigest()
SUMS = f"SHA512 (base.tgz) = {SHA512}\n".encode()
Kept = Callable[[], list[str]]


@dataclass
class Answer:
    """What the server does when asked: body, status, more headers; cut: bytes sent before the connection ends."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False


@dataclass
class Server:
    """A web server on this machine, with fixed answers by path."""

    url: str
    answers: dict[str, Answer]
    asked: list[str]


@contextmanager
def serving(answers: dict[str, Answer]) -> Iterator[Server]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = answers.get(self.path, Answer(b"<html>no</html>", 404))
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut])
            self.wfile.flush()
            if answer.reset:
                # Closing with lingering switched off and a time of 0 sends RST.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_address[1]}", answers, asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({f"{TOP}/SHA512": Answer(SUMS), f"{TOP}/base.tgz": Answer(BODY)}) as running:
        yield running


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A mirror directory, with a name that a URL must quote."""
    mirror = tmp_path / "a mirror 100%"
    folder = mirror / "NetBSD-10.1" / "amd64" / "binary" / "sets"
    folder.mkdir(parents=True)
    (folder / "SHA512").write_bytes(SUMS)
    (folder / "base.tgz").write_bytes(BODY)
    return mirror


def at(*urls: str) -> ReleaseMirror:
    return ReleaseMirror(urls, "10.1")


def fetched(mirror: ReleaseMirror, store: Store) -> Stored:
    expected = mirror.digests(SETS)["base.tgz"]
    if expected not in store:
        take(mirror.urls(f"{SETS}/base.tgz"), expected, store, "base.tgz")
    return Stored(expected, store.path(expected).stat().st_size)


def test_from_a_directory(local: Path, store: Store) -> None:
    assert fetched(at(local.as_uri()), store) == Stored(SHA512, len(BODY))
    assert store.verified(SHA512, "x").read_bytes() == BODY


def test_from_a_server_and_not_twice(server: Server, store: Store) -> None:
    mirror = at(server.url + "/")
    assert fetched(mirror, store) == Stored(SHA512, len(BODY))
    assert fetched(mirror, store) == Stored(SHA512, len(BODY))
    assert server.asked == [f"{TOP}/SHA512", f"{TOP}/base.tgz", f"{TOP}/SHA512"]


def test_says_where_a_file_came_from(server: Server, local: Path, store: Store) -> None:
    mirror = at((local / "none").as_uri(), server.url)
    found = take(mirror.urls(f"{SETS}/base.tgz"), mirror.digests(SETS)["base.tgz"], store, "base.tgz")
    assert found == f"{server.url}{TOP}/base.tgz"


def test_a_wrong_digest_names_the_url_and_keeps_nothing(server: Server, store: Store, kept: Kept) -> None:
    server.answers[f"{TOP}/base.tgz"] = Answer(BODY + b"!")
    with pytest.raises(GlassmasterError, match=rf"{server.url}{TOP}/base.tgz: wrong SHA-512"):
        fetched(at(server.url), store)
    assert kept() == []
    server.answers[f"{TOP}/base.tgz"] = Answer(BODY)
    fetched(at(server.url), store)
    assert len(kept()) == 1


@pytest.mark.parametrize("name", ["SHA512", "base.tgz"])
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (Answer(b"<html>gone</html>", 404), "404"),
        (Answer(b"", 503), "503"),
        (Answer(SUMS + BODY, cut=10), "IncompleteRead|incomplete"),
        (Answer(SUMS + BODY, cut=0), "IncompleteRead|incomplete"),
        (Answer(SUMS + BODY, cut=10, reset=True), "reset|IncompleteRead|broken"),
    ],
    ids=["404", "503", "short", "empty", "reset"],
)
def test_what_a_server_can_get_wrong(
    server: Server, store: Store, kept: Kept, name: str, broken: Answer, why: str
) -> None:
    server.answers[f"{TOP}/{name}"] = broken
    with pytest.raises(GlassmasterError, match=rf"{server.url}{TOP}/{name}: cannot be read") as caught:
        fetched(at(server.url), store)
    assert any(word in caught.value.why for word in why.split("|")), caught.value.why
    assert kept() == []


def test_nobody_listens(store: Store) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(GlassmasterError, match=rf"{url}{TOP}/SHA512: cannot be read"):
            fetched(at(url), store)


def test_a_web_page_instead_of_digests(server: Server, store: Store) -> None:
    server.answers[f"{TOP}/SHA512"] = Answer(b"<!DOCTYPE html>\n<html>Please log in to this hotel's network</html>\n")
    with pytest.raises(GlassmasterError, match=rf"{server.url}{TOP}/SHA512:1: not a line") as caught:
        fetched(at(server.url), store)
    assert caught.value.hint == "the mirror sent a web page instead"


@pytest.mark.parametrize("body", [b"", b"\n", b"MD5 (base.tgz) = 00\n"])
def test_no_digests_at_all(server: Server, store: Store, body: bytes) -> None:
    server.answers[f"{TOP}/SHA512"] = Answer(body)
    with pytest.raises(GlassmasterError, match=rf"{server.url}{TOP}/SHA512: has no SHA-512 digests"):
        fetched(at(server.url), store)


def test_digests_without_end(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "CHECKSUMS_LIMIT", 100)
    with pytest.raises(GlassmasterError, match=r"SHA512: larger than 100 bytes"):
        fetched(at(server.url), store)


@pytest.mark.parametrize(
    "first",
    [
        {},
        {f"{TOP}/SHA512": Answer(b"<html>")},
        {f"{TOP}/SHA512": Answer(SUMS), f"{TOP}/base.tgz": Answer(b"other bytes")},
        {f"{TOP}/SHA512": Answer(SUMS), f"{TOP}/base.tgz": Answer(BODY, cut=7)},
    ],
    ids=["nothing there", "web page", "other bytes", "broken off"],
)
def test_the_second_mirror_is_used(server: Server, store: Store, first: dict[str, Answer]) -> None:
    with serving(first) as bad:
        assert fetched(at(bad.url, server.url), store) == Stored(SHA512, len(BODY))
    assert server.asked[-1] == f"{TOP}/base.tgz"


def test_no_mirror_works_and_all_are_named(server: Server, tmp_path: Path, store: Store) -> None:
    server.answers.clear()
    with pytest.raises(GlassmasterError, match=f"no mirror gives {SETS}/SHA512") as caught:
        fetched(at(server.url, tmp_path.as_uri()), store)
    assert f"{server.url}{TOP}/SHA512" in caught.value.why
    assert f"{tmp_path.as_uri()}{TOP}/SHA512: cannot be read" in caught.value.why
    assert "No such file or directory" in caught.value.why


@pytest.mark.parametrize("url", ["ftp://ftp.netbsd.org/pub", "/a/path", "", "http://[::1", "http://", "file:///a%00b"])
def test_what_is_no_url(url: str, store: Store) -> None:
    with pytest.raises(GlassmasterError, match=r"not a URL|cannot be read") as caught:
        fetched(at(url), store)
    assert caught.value.what.startswith(url.rstrip("/"))


def test_a_redirect_is_followed(server: Server, store: Store) -> None:
    server.answers[f"{TOP}/base.tgz"] = Answer(status=302, headers={"Location": "/elsewhere"})
    server.answers["/elsewhere"] = Answer(BODY)
    assert fetched(at(server.url), store) == Stored(SHA512, len(BODY))


def test_a_redirect_out_of_the_network_is_not_followed(server: Server, local: Path, store: Store) -> None:
    away = (local / "NetBSD-10.1/amd64/binary/sets/base.tgz").as_uri()
    server.answers[f"{TOP}/base.tgz"] = Answer(status=302, headers={"Location": away})
    with pytest.raises(GlassmasterError, match=r"base.tgz: cannot be read"):
        fetched(at(server.url), store)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_tgz_that_the_server_calls_an_encoded_tar(server: Server, store: Store, encoding: str) -> None:
    server.answers[f"{TOP}/base.tgz"] = Answer(BODY, headers={"Content-Encoding": encoding})
    assert fetched(at(server.url), store) == Stored(SHA512, len(BODY))


def test_an_error_of_the_store_is_not_the_mirrors(local: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(store: Store, chunks: Iterable[bytes], **_: object) -> Stored:
        next(iter(chunks))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Store, "add", full)
    with pytest.raises(OSError, match="No space left"):
        fetched(at(local.as_uri()), store)


def test_set_names_are_looked_up() -> None:
    digests = {"base.tar.xz": "", "base.tgz": "", "src.tgz": "", "README": ""}
    assert set_file("base", digests, "SHA512") == "base.tar.xz"
    assert set_file("src", digests, "SHA512") == "src.tgz"


@pytest.mark.parametrize(
    ("name", "names", "hint"),
    [
        ("bsae", ("base.tar.xz", "etc.tar.xz"), "did you mean base?"),
        ("zzz", ("base.tar.xz", "etc.tgz", "SHA512"), "there are: base, etc"),
        ("base", ("README",), "there are: none"),
    ],
)
def test_a_missing_set(name: str, names: tuple[str, ...], hint: str) -> None:
    with pytest.raises(GlassmasterError, match=f"the release has no set '{name}'") as caught:
        set_file(name, dict.fromkeys(names, ""), "SHA512 of http://m")
    assert caught.value.why == "SHA512 of http://m does not list it"
    assert caught.value.hint == hint
