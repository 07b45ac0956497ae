"""Downloads: what mirrors can say instead of the file, resuming, several builds, and nothing with a full store."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.doit_plugins.progress import listening
from glassmaster.doit_plugins.summary import size_text
from glassmaster.errors import GlassmasterError
from glassmaster.inputs import source
from glassmaster.inputs.download import Arrived, download
from glassmaster.inputs.incoming import Wanted, claimed, is_html, partial_path
from glassmaster.inputs.source import SourceError, opened
from glassmaster.inputs.store import Store
from glassmaster.inputs.transfer import Patience

REPOSITORY = Path(__file__).resolve().parents[2]
BODY = gzip.compress(bytes(range(256)) * 500, mtime=0) * 3
SHA512 = hashlib.sha512(BODY).hexdigest()
HTML = b"<!DOCTYPE html>\n<html>Please log in</html>"
HURRIED = Patience(connect=5, silence=5, pause=0.001, longest_pause=0.002, rounds=3, wrong=3)
Kept = Callable[[], list[str]]


@dataclass
class Reply:
    """One answer. send: the bytes of the body that are really sent, all by default."""

    body: bytes = BODY
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    send: int | None = None


Rule = Callable[[str], Reply]


def not_found(header: str) -> Reply:
    return Reply(b"no", 404)


def ranged(body: bytes, header: str, *, send: int | None = None) -> Reply:
    """What a server that knows Range answers."""
    if not header:
        return Reply(body, send=send)
    start = int(header.removeprefix("bytes=").removesuffix("-"))
    headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
    return Reply(body[start:], 206, headers, send)


@dataclass
class Server:
    """Answers by path; `asked` has (path, Range) of each request."""

    url: str
    rules: dict[str, Rule]
    asked: list[tuple[str, str]]


@contextmanager
def serving() -> Iterator[Server]:
    rules: dict[str, Rule] = {}
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            header = self.headers.get("Range", "")
            asked.append((self.path, header))
            reply = rules.get(self.path, not_found)(header)
            self.send_response(reply.status)
            headers = {"Content-Length": str(len(reply.body)), **reply.headers}
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body[: reply.send])
            self.close_connection = reply.send is not None or "" in headers.values()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_address[1]}", rules, asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        running.rules["/good"] = lambda header: ranged(BODY, header)
        yield running


def wanted(*urls: str, name: str = "amd64/binary/sets/base.tgz") -> Wanted:
    return Wanted(name, urls, SHA512, len(BODY))


def fetch(store: Store, *files: Wanted) -> tuple[list[Arrived], list[str]]:
    said: list[str] = []
    return download(files, store, patience=HURRIED, say=said.append), said


def fails(store: Store, *files: Wanted) -> GlassmasterError:
    with pytest.raises(GlassmasterError) as caught:
        fetch(store, *files)
    return caught.value


def test_a_file_arrives_and_is_said_in_one_line(server: Server, store: Store, kept: Kept) -> None:
    (arrived,), said = fetch(store, wanted(f"{server.url}/good"))
    assert arrived == Arrived(wanted(f"{server.url}/good"), f"{server.url}/good", len(BODY))
    assert b"".join(store.read(SHA512, "x")) == BODY
    assert kept() == [f"sha512/{SHA512[:2]}/{SHA512}"]
    host, size = server.url.removeprefix("http://"), size_text(len(BODY))
    assert len(said) == 1 and said[0].startswith(f"fetched base.tgz from {host}, {size} in ")


def test_results_are_in_the_order_of_the_question(server: Server, store: Store) -> None:
    bodies = [BODY + bytes([number]) for number in range(12)]
    for number, body in enumerate(bodies):
        server.rules[f"/{number}"] = lambda header, body=body: ranged(body, header)  # type: ignore[misc]
    files = [
        Wanted(str(number), (f"{server.url}/{number}",), hashlib.sha512(body).hexdigest(), len(body))
        for number, body in enumerate(bodies)
    ]
    assert [item.wanted for item in fetch(store, *files)[0]] == files


@pytest.mark.parametrize("path", ["a mirror 100%/base.tgz", "plain"])
def test_from_a_directory(tmp_path: Path, store: Store, path: str) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(BODY)
    (arrived,), said = fetch(store, wanted((tmp_path / path).as_uri()))
    assert arrived.received == len(BODY) and "from this machine" in said[0]


def test_a_directory_seen_from_here(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "base.tgz").write_bytes(BODY)
    monkeypatch.chdir(tmp_path)
    assert fetch(store, wanted("file:mirror/base.tgz"))[0][0].received == len(BODY)


def test_one_file_under_two_names_is_fetched_once(server: Server, store: Store) -> None:
    arrived, _ = fetch(store, wanted(f"{server.url}/good", name="a"), wanted(f"{server.url}/good", name="b"))
    assert [item.wanted.name for item in arrived] == ["a", "b"]
    assert len(server.asked) == 1


def test_an_empty_file_needs_no_mirror(store: Store) -> None:
    sha512 = hashlib.sha512(b"").hexdigest()
    assert download([Wanted("empty", (), sha512, 0)], store, say=print)[0].received == 0
    assert sha512 in store


# ---- what a mirror can say instead

FIRST: dict[str, tuple[Rule, str]] = {
    "404": (lambda _: Reply(b"gone", 404), "404 Not Found"),
    "403": (lambda _: Reply(HTML, 403), "403 Forbidden"),
    "500": (lambda _: Reply(HTML, 500), "500 Internal Server Error"),
    "503": (lambda _: Reply(b"", 503), "503 Service Unavailable"),
    "204": (lambda _: Reply(b"", 204), "204 No Content"),
    "short": (lambda header: ranged(BODY, header, send=0), "IncompleteRead"),
    "a web page": (lambda _: Reply(HTML), "it looks like an HTML page"),
    "a web page of this size": (lambda _: Reply(HTML.ljust(len(BODY))), "it looks like an HTML page"),
    "another size": (lambda _: Reply(BODY + b"x"), f"size     {len(BODY) + 1:,} bytes, expected {len(BODY):,}"),
    "another file": (lambda header: ranged(BODY[::-1], header), hashlib.sha512(BODY[::-1]).hexdigest()),
    "too long, unannounced": (lambda _: Reply(BODY + b"x", headers={"Content-Length": ""}), "expected"),
    "too short, unannounced": (lambda _: Reply(BODY[:-1], headers={"Content-Length": ""}), "incomplete"),
    "really encoded": (lambda _: Reply(gzip.compress(BODY), headers={"Content-Encoding": "gzip"}), "not the file"),
    "a range that was not asked for": (
        lambda _: Reply(BODY[5:], 206, {"Content-Range": f"bytes 5-{len(BODY) - 1}/{len(BODY)}"}), "began at byte 5"
    ),
    "a range without bounds": (lambda _: Reply(BODY, 206), "206 with Content-Range: ''"),
    "a wrong length": (lambda _: Reply(BODY, headers={"Content-Length": "-1"}, send=9), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", FIRST)
def test_the_next_mirror_is_asked(server: Server, store: Store, case: str) -> None:
    server.rules["/bad"] = FIRST[case][0]
    (arrived,), _ = fetch(store, wanted(f"{server.url}/bad", f"{server.url}/good"))
    assert arrived.url == f"{server.url}/good"
    assert hashlib.sha512(b"".join(store.read(SHA512, "x"))).hexdigest() == SHA512


@pytest.mark.parametrize("case", FIRST)
def test_without_another_mirror_the_error_says_what_was_wrong(
    server: Server, store: Store, kept: Kept, case: str
) -> None:
    server.rules["/bad"], why = FIRST[case]
    error = fails(store, wanted(f"{server.url}/bad"))
    assert error.what == "amd64/binary/sets/base.tgz: did not arrive"
    assert f"{server.url}/bad" in error.why and why in error.why
    assert "fetches only the rest" in error.hint
    assert not [path for path in kept() if path.startswith("sha512")]
    # And it is not asked for ever.
    assert len(server.asked) <= HURRIED.rounds + 1


def test_a_mirror_that_lacks_the_file_is_asked_once(server: Server, store: Store) -> None:
    server.rules["/busy"] = lambda _: Reply(b"", 503)
    fails(store, wanted(f"{server.url}/none", f"{server.url}/busy"))
    assert [path for path, _ in server.asked] == ["/none", "/busy", "/busy", "/busy"]


def test_the_same_wrong_file_twice_is_enough(server: Server, store: Store) -> None:
    server.rules["/other"] = lambda header: ranged(BODY[::-1], header)
    fails(store, wanted(f"{server.url}/other"))
    assert len(server.asked) == 2


def test_nobody_listens(store: Store) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = fails(store, wanted(f"http://127.0.0.1:{unused.getsockname()[1]}/x"))
    assert "Connection refused" in error.why and "0x" not in error.why


def test_all_that_did_not_arrive_are_named_and_the_others_stay(server: Server, store: Store) -> None:
    others = [Wanted(name, (f"{server.url}/{name}",), hashlib.sha512(name.encode()).hexdigest(), 4) for name in "xyz"]
    error = fails(store, *others, wanted(f"{server.url}/good"))
    assert error.what == "3 of 4 files did not arrive"
    assert [line for line in error.why.split("\n") if "did not arrive" in line] == [
        f"{name}: did not arrive" for name in "xyz"
    ]
    assert SHA512 in store


def test_a_file_without_a_url(store: Store) -> None:
    assert fails(store, wanted()).why == "there is no URL for it"


@pytest.mark.parametrize("url", ["ftp://example.org/x", "/a/path", "", "http://[::1", "http://", "file:///a%00b"])
def test_what_is_no_url(url: str, store: Store) -> None:
    assert f"{url}: cannot be read" in fails(store, wanted(url)).why


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "br"])
def test_a_tgz_that_the_server_calls_an_encoded_tar(server: Server, store: Store, encoding: str) -> None:
    server.rules["/tgz"] = lambda _: Reply(headers={"Content-Encoding": encoding})
    assert fetch(store, wanted(f"{server.url}/tgz"))[0][0].received == len(BODY)


# ---- going on where it ended


def begun(store: Store, head: bytes) -> Path:
    path = partial_path(SHA512, store)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head)
    return path


def test_after_a_break_only_the_rest_is_asked_for(server: Server, store: Store) -> None:
    def breaking(header: str) -> Reply:
        return ranged(BODY, header, send=1000 if len(server.asked) < 3 else None)

    server.rules["/breaking"] = breaking
    (arrived,), said = fetch(store, wanted(f"{server.url}/breaking"))
    assert [header for _, header in server.asked] == ["", "bytes=1000-", "bytes=2000-"]
    assert arrived.received == len(BODY)
    assert said[0].endswith("; 2 failed attempts before")


def test_after_a_kill_too(server: Server, store: Store) -> None:
    begun(store, BODY[:700])
    (arrived,), said = fetch(store, wanted(f"{server.url}/good"))
    assert server.asked == [("/good", "bytes=700-")]
    assert arrived.received == len(BODY) - 700
    assert said[0].endswith("; the first 700 B had come in an earlier run")


def test_what_was_whole_when_it_was_killed_is_not_fetched(server: Server, store: Store, kept: Kept) -> None:
    begun(store, BODY)
    (arrived,), said = fetch(store, wanted(f"{server.url}/good"))
    assert (arrived.url, arrived.received, server.asked) == ("", 0, [])
    assert said == ["base.tgz: all of it had come in an earlier run"]
    assert kept() == [f"sha512/{SHA512[:2]}/{SHA512}"]


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (lambda header: Reply(), 1),
        (lambda header: Reply(b"", 416) if header else Reply(), 2),
        (lambda header: Reply(BODY[9:], 206, {"Content-Range": f"bytes 9-{len(BODY) - 1}/{len(BODY)}"}), 1),
        (lambda header: Reply(BODY[900:], 206, {"Content-Range": "bytes 900-/*"}) if header else Reply(), 2),
        (lambda header: Reply(BODY[900:], 206, {"Content-Range": "bytes 900-999/*"}) if header else Reply(), 2),
        (lambda header: Reply(b"--x", 206, {"Content-Type": "multipart/byteranges"}) if header else Reply(), 2),
    ],
    ids=["Range ignored", "416", "begins before", "no bounds", "begins later", "multipart"],
)
def test_servers_that_do_not_do_as_asked(server: Server, store: Store, answer: Rule, requests: int) -> None:
    begun(store, BODY[:700])
    server.rules["/odd"] = answer
    fetch(store, wanted(f"{server.url}/odd"))
    assert len(server.asked) == requests
    assert b"".join(store.read(SHA512, "x")) == BODY


@pytest.mark.parametrize(
    "head", [b"not the beginning", HTML, BODY + b"x", BODY[::-1]], ids=["bad", "html", "+1", "all"]
)
def test_a_beginning_that_is_not_the_files(server: Server, store: Store, kept: Kept, head: bytes) -> None:
    begun(store, head)
    fetch(store, wanted(f"{server.url}/good"))
    assert b"".join(store.read(SHA512, "x")) == BODY
    assert kept() == [f"sha512/{SHA512[:2]}/{SHA512}"]


def test_a_damaged_copy_is_mended_by_the_part_that_was_damaged(server: Server, store: Store) -> None:
    body = os.urandom(1000) * 4000
    sha512, damaged = hashlib.sha512(body).hexdigest(), bytearray(body)
    damaged[10] ^= 1
    path = partial_path(sha512, store)
    path.parent.mkdir(parents=True)
    path.write_bytes(damaged)
    server.rules["/long"] = lambda header: ranged(body, header)
    (arrived,), _ = fetch(store, Wanted("x", (f"{server.url}/long",), sha512, len(body)))
    assert 10 < arrived.received < len(body)
    assert store.verified(sha512, "x").read_bytes() == body


def test_file_urls_resume_as_well(tmp_path: Path, store: Store) -> None:
    (tmp_path / "base.tgz").write_bytes(BODY)
    begun(store, BODY[:700])
    assert fetch(store, wanted((tmp_path / "base.tgz").as_uri()))[0][0].received == len(BODY) - 700


# ---- several builds, a full store, a full disk


def test_what_another_process_is_fetching_is_waited_for(server: Server, store: Store) -> None:
    said: list[str] = []
    waits = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waits.set()

    results: list[Arrived] = []
    file = wanted(f"{server.url}/good")
    other = threading.Thread(target=lambda: results.extend(download([file], store, say=say)))
    with claimed(file, store, lambda: None) as part:
        assert part is not None
        other.start()
        assert waits.wait(30)
        part.append(BODY)
        part.take_in()
    other.join(30)
    assert said == ["amd64/binary/sets/base.tgz: another process is fetching it; waiting for that"]
    assert results == [Arrived(file)] and server.asked == []


def test_what_another_process_gave_up_is_gone_on_with(server: Server, store: Store) -> None:
    file, waits = wanted(f"{server.url}/good"), threading.Event()
    results: list[Arrived] = []
    other = threading.Thread(target=lambda: results.extend(download([file], store, say=lambda _: waits.set())))
    with claimed(file, store, lambda: None) as part:
        assert part is not None
        other.start()
        assert waits.wait(30)
        part.append(BODY[:500])
    other.join(30)
    assert results[0].received == len(BODY) - 500


def test_a_partial_file_that_is_removed_while_somebody_waits_for_it(server: Server, store: Store) -> None:
    file, waits = wanted(f"{server.url}/good"), threading.Event()
    other = threading.Thread(target=lambda: download([file], store, say=lambda _: waits.set()))
    with claimed(file, store, lambda: None) as part:
        assert part is not None
        other.start()
        assert waits.wait(30)
        part.path.unlink()
    other.join(30)
    assert b"".join(store.read(SHA512, "x")) == BODY


def test_only_the_wanted_digest_gets_a_name(store: Store) -> None:
    with claimed(wanted(), store, lambda: None) as part:
        assert part is not None
        part.append(BODY[:-1] + b"?")
        with pytest.raises(ValueError, match="not the digest"):
            part.take_in()
    assert SHA512 not in store


def test_with_a_full_store_nothing_opens_a_socket(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add([BODY], what="x")

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    assert fetch(store, wanted("http://example.org/x")) == ([Arrived(wanted("http://example.org/x"))], [])


def test_nor_does_a_process_of_its_own(store: Store) -> None:
    store.add([BODY], what="x")
    code = f"""
import sys
import socket
sys.addaudithook(lambda event, _: event.startswith("socket.") and event != "socket.gethostname" and sys.exit(event))
from pathlib import Path
import glassmaster.steps
from glassmaster.inputs.download import download
from glassmaster.inputs.incoming import Wanted
from glassmaster.inputs.store import Store
wanted = Wanted("x", ("http://example.org/x",), {SHA512!r}, {len(BODY)})
print(len(download([wanted], Store(Path({str(store.root)!r})))))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("1\n", "")


def test_a_full_disk_ends_it_with_that_error(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(GlassmasterError, match="no room left for"):
        fetch(store, wanted(f"{server.url}/good"))


def test_progress_is_told_in_bytes_and_ends_at_the_sum(server: Server, store: Store) -> None:
    begun(store, BODY[:700])
    events: list[dict[str, object]] = []
    with listening(events.append):
        fetch(store, wanted(f"{server.url}/good"))
    assert {event["unit"] for event in events} == {"bytes"}
    assert (events[-1]["done"], events[-1]["total"]) == (len(BODY), len(BODY))


def test_proxies_come_from_the_environment(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy")
    server.rules["http://example.org/base.tgz"] = lambda header: ranged(BODY, header)
    fetch(store, wanted("http://example.org/base.tgz"))
    assert server.asked == [("http://example.org/base.tgz", "")]


# ---- foreign bytes


@given(st.binary(max_size=40))
def test_web_pages_are_known_by_their_beginning(rest: bytes) -> None:
    for begin in (b"<!DOCTYPE html>", b"\xef\xbb\xbf\n <HTML>", b"<head>"):
        assert is_html(begin + rest)
    assert not is_html(b"\x1f\x8b" + rest)


RANGES = st.from_regex(r"bytes [0-9]{0,20}-[0-9]{0,20}/[0-9*]{0,20}", fullmatch=True)


@given(st.one_of(st.text(max_size=30), RANGES), st.text(max_size=5))
def test_any_head_of_an_answer_is_read_or_an_error_of_ours(said: str, length: str) -> None:
    answer = requests.Response()
    answer.status_code = 206
    answer.headers.update({"Content-Range": said, "Content-Length": length})
    try:
        body = source._body("http://example.org/x", answer)
    except SourceError:
        return
    assert body.start >= 0 and (body.size is None or body.size >= 0)


@given(st.text(max_size=30))
def test_any_url_is_read_or_an_error_of_ours(text: str) -> None:
    url = text if text.startswith("file:") else f"file:///nowhere/{text}"
    for candidate in (url, text.replace("http", "")):
        with pytest.raises(SourceError), opened(candidate):
            pass
