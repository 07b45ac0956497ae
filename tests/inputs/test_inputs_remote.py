"""A store elsewhere, in a directory, behind a web server or on S3: what is right is taken, what it lacks it gets."""

from __future__ import annotations

import hashlib
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs

from glassmaster.errors import GlassmasterError
from glassmaster.inputs import remote as module
from glassmaster.inputs.download import download
from glassmaster.inputs.incoming import Wanted
from glassmaster.inputs.objects import PIECE, put, size_of
from glassmaster.inputs.remote import ENVIRONMENT, FILL, Remote, configured, fill, take_from
from glassmaster.inputs.source import SourceError, opened
from glassmaster.inputs.store import Store
from glassmaster.inputs.transfer import Patience
from tests.inputs.badserver import BadServer, serving
from tests.object_store import SETTINGS, object_store

BODIES = {name: random.Random(name).randbytes(70_000 + 1000 * len(name)) for name in ("a", "bb", "ccc", "dddd")}
HURRIED = Patience(connect=0.5, silence=0.5, pause=0.001, longest_pause=0.002, rounds=1, wrong=1)
EAGER = Patience(connect=5, silence=0.5, pause=0.001, longest_pause=0.002, rounds=8, wrong=20)


def digest(body: bytes) -> str:
    return hashlib.sha512(body).hexdigest()


def all_wanted(*urls: str) -> list[Wanted]:
    return [Wanted(name, urls, digest(body), len(body)) for name, body in BODIES.items()]


def served(root: str, **spoilt: bytes) -> dict[str, bytes]:
    """What a server of a remote store has, by path; `spoilt` has other contents for some."""
    return {f"{root}/sha512/{digest(body)[:2]}/{digest(body)}": spoilt.get(name, body) for name, body in BODIES.items()}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3", ENVIRONMENT, FILL):
        monkeypatch.delenv(name, raising=False)
    # The port is one where nothing listens.
    for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(module, "PATIENCE", HURRIED)
    s3fs.S3FileSystem.clear_instance_cache()
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """A server that speaks S3, on this machine; its URL."""
    with object_store() as url:
        yield url


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """An empty bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    name = f"bucket-{digest(request.node.name.encode())[:20]}"
    s3fs.S3FileSystem().mkdir(name)
    return f"s3://{name}/store"


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A remote store that can be filled, empty."""
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    return (tmp_path / "a remote 100%").as_uri()


def filled(url: str, store: Store) -> Remote:
    for body in BODIES.values():
        store.add([body], what="x")
    said: list[str] = []
    fill(Remote(url), all_wanted(), store, say=said.append)
    assert said == [f"{url}: 4 files put there, {sum(map(len, BODIES.values())):,} bytes"]
    return Remote(url)


def taken(remote: Remote, store: Store) -> list[str]:
    said: list[str] = []
    take_from(remote, all_wanted(), store, say=said.append)
    return said


def test_what_one_store_gave_another_one_takes(place: str, store: Store, tmp_path: Path) -> None:
    remote, other = filled(place, store), Store(tmp_path / "other")
    said = taken(remote, other)
    assert [b"".join(other.read(digest(body), "x")) for body in BODIES.values()] == list(BODIES.values())
    assert len(said) == 4 and all(line.startswith("fetched ") for line in said)
    assert taken(remote, other) == []


def test_a_store_that_is_served_is_a_remote_store(store: Store, kept: object) -> None:
    with serving(BadServer(served("/x"), seed=0, trouble=0)) as server:
        taken(Remote(f"{server.url}/x"), store)
    assert all(digest(body) in store for body in BODIES.values())


def test_what_it_lacks_is_no_word_worth(place: str, store: Store) -> None:
    assert taken(Remote(place), store) == []
    with serving(BadServer({}, seed=0, trouble=0)) as server:
        assert taken(Remote(server.url), store) == []


def test_filling_again_puts_nothing_there(place: str, store: Store) -> None:
    remote, said = filled(place, store), list[str]()
    fill(remote, all_wanted(), store, say=said.append)
    assert said == []


@pytest.mark.parametrize("wrong", [BODIES["a"][:-1], BODIES["a"][:-1] + b"x", b"", b"<html>Please log in</html>"])
def test_a_wrong_object_is_said_and_left(place: str, store: Store, tmp_path: Path, wrong: bytes) -> None:
    remote, other = filled(place, store), Store(tmp_path / "other")
    url = remote.file(digest(BODIES["a"]))
    put(url, [wrong])
    said = taken(remote, other)
    assert digest(BODIES["a"]) not in other and digest(BODIES["bb"]) in other
    (line,) = [line for line in said if not line.startswith("fetched ")]
    assert line.startswith(f"a: not from the remote store\n  {url}: ") and f"expected {digest(BODIES['a'])}" in line
    again: list[str] = []
    fill(remote, all_wanted(), store, say=again.append)
    assert size_of(url) == len(wrong)
    differs = len(wrong) != len(BODIES["a"])
    assert again == ([f"{url}: left as it is, but it has {len(wrong):,} bytes and a has 71,000"] if differs else [])


def test_the_mirrors_have_what_the_remote_store_spoils(store: Store) -> None:
    mirrors = {f"/{name}": body for name, body in BODIES.items()}
    files = {**served("/r", bb=BODIES["bb"][:-1] + b"!"), **mirrors}
    with serving(BadServer(files, seed=0, trouble=0)) as server:
        said = taken(Remote(f"{server.url}/r"), store)
        rest = [Wanted(name, (f"{server.url}/{name}",), digest(body), len(body)) for name, body in BODIES.items()]
        download(rest, store, say=said.append)
        assert server.asked["/bb"] == 1 and server.asked["/a"] == 0
    assert all(digest(body) in store for body in BODIES.values())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["http", "s3"])
def test_a_bad_server_never_gets_anything_wrong_into_the_store(
    kind: str, seed: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", EAGER)
    monkeypatch.setattr("glassmaster.inputs.objects.PIECE", 20_000)
    with serving(BadServer(served("/bucket"), seed=seed, trouble=0.8 if kind == "http" else 0.5)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        taken(Remote("s3://bucket" if kind == "s3" else f"{server.url}/bucket"), store)
        assert server.faults
    there = [digest(body) for body in BODIES.values() if digest(body) in store]
    assert there
    for sha512 in there:
        store.verified(sha512, "x")


@pytest.mark.parametrize("kind", ["http", "s3"])
def test_one_that_never_answers_is_not_waited_for_with_each_file(
    kind: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    try:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", host)
        url = "s3://bucket" if kind == "s3" else host
        many = [Wanted(str(number), (), digest(bytes([number])), 1) for number in range(20)]
        said: list[str] = []
        take_from(Remote(url), many, store, say=said.append)
    finally:
        silent.close()
    assert len(said) == 5 and said[-1] == f"{url}: not asked for anything else now"
    assert all("timed out" in line.lower() or "timeout" in line.lower() for line in said[:-1])


def test_without_a_right_to_it_nothing_is_filled_and_the_build_goes_on(
    bucket: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([BODIES["a"]], what="x")
    said: list[str] = []
    fill(Remote("s3://no-such-bucket-here"), all_wanted()[:1], store, say=said.append)
    assert len(said) == 1 and said[0].startswith("s3://no-such-bucket-here: cannot be filled\n  ")


def test_what_changed_in_the_store_does_not_get_out(place: str, store: Store) -> None:
    store.add([BODIES["a"]], what="x")
    store.path(digest(BODIES["a"])).write_bytes(BODIES["a"][:-1] + b"!")
    with pytest.raises(GlassmasterError, match="has changed since it was verified"):
        fill(Remote(place), all_wanted()[:1], store)
    assert size_of(Remote(place).file(digest(BODIES["a"]))) is None


def test_an_object_of_many_pieces_comes_from_the_middle_on(bucket: str) -> None:
    large = random.Random(1).randbytes(2 * PIECE + 5)
    put(f"{bucket}/large", (large[at : at + (1 << 20)] for at in range(0, len(large), 1 << 20)))
    with opened(f"{bucket}/large", start=PIECE - 3) as body:
        assert (body.start, body.size) == (PIECE - 3, len(large))
        assert b"".join(body.pieces) == large[PIECE - 3 :]


def test_what_breaks_off_leaves_no_object(bucket: str) -> None:
    def breaking(size: int) -> Iterator[bytes]:
        for _ in range(size):
            yield bytes(1 << 20)
        raise RuntimeError("enough")

    for size in (1, 60):  # below and above the size of a part
        with pytest.raises(RuntimeError, match="enough"):
            put(f"{bucket}/half", breaking(size))
        assert size_of(f"{bucket}/half") is None


def test_s3_without_its_library_says_what_to_do(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(GlassmasterError, match="the library for s3: is not installed") as caught:
        size_of("s3://bucket/x")
    assert "requirements/s3.txt" in str(caught.value)


def test_an_object_that_is_not_there(bucket: str) -> None:
    with pytest.raises(SourceError, match="there is no such object"), opened(f"{bucket}/nothing"):
        pass


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured() is None
    monkeypatch.setenv(ENVIRONMENT, "https://cache.example.org/store/")
    assert configured() == Remote("https://cache.example.org/store")
    monkeypatch.setenv(ENVIRONMENT, "/srv/a store")
    monkeypatch.setenv(FILL, "yes")
    assert configured() == Remote("file:///srv/a%20store", filled=True)


@pytest.mark.parametrize(
    ("url", "fills", "message"),
    [
        ("ftp://example.org/x", "", "not a place that is known here"),
        ("x", "", "not a place that is known here"),
        ("https://example.org/x", "yes", "https: is only read"),
        ("s3://bucket", "ja", "GLASSMASTER_REMOTE_FILL=ja: not understood"),
    ],
)
def test_what_cannot_be_meant_is_an_error(url: str, fills: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, url)
    monkeypatch.setenv(FILL, fills)
    with pytest.raises(GlassmasterError) as caught:
        configured()
    assert message in str(caught.value)
