"""Publishing to each kind of place; what an interruption leaves; what is never overwritten."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import s3fs

from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import digest_of, files_below
from glassmaster.release.assemble import write_list
from glassmaster.release.fetched import fetch_release
from glassmaster.release.place import put_directory_in_place
from glassmaster.release.publishing.index import read_index
from glassmaster.release.publishing.places import DirectoryPlace, ObjectPlace, Place, place_of
from glassmaster.release.publishing.publish import Outcome, publish
from glassmaster.release.publishing.rsync import (
    RsyncPlace,
    Target,
    get_command,
    only_command,
    other_command,
    put_command,
    rsync_target,
)
from glassmaster.release.verify import verify_directory
from tests.object_store import SETTINGS, object_store
from tests.release.conftest import Released

DAEMON = """\
address = 127.0.0.1
port = {port}
use chroot = no
log file = {folder}/log
pid file = {folder}/pid
lock file = {folder}/lock
reverse lookup = no
[cd]
path = {folder}/served
read only = no
"""
SSH = """\
#!/bin/sh
# In the place of ssh: the options and the host are looked at, and the command runs here.
echo "$@" >>"$0.log"
echo "agent: $SSH_AUTH_SOCK" >>"$0.log"
while [ "$1" = -p ] || [ "$1" = -l ] || [ "$1" = -o ]; do shift 2; done
[ "$1" = machine.invalid ] || exit 255
shift
exec sh -c "$*"
"""


def listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when somebody accepts connections there; an error if the process ends instead."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the daemon has ended")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An rsync daemon on this machine: the URL of a module, and its directory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "rsyncd"
    (folder / "served").mkdir(parents=True)
    (folder / "conf").write_text(
        DAEMON.format(port=port, folder=folder) + (f"uid = {os.getuid()}\ngid = {os.getgid()}\n")
    )
    command = ["rsync", "--daemon", "--no-detach", f"--config={folder}/conf"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        listening(port, process)
        yield f"rsync://127.0.0.1:{port}/cd/releases", folder / "served/releases"
        process.terminate()


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """A server that speaks S3, on this machine; its URL."""
    with object_store() as url:
        yield url


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """A place in an empty bucket."""
    for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{abs(hash(request.node.name)) % 10**9}"
    s3fs.S3FileSystem().mkdir(name)
    yield f"s3://{name}/releases"
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called ssh that runs commands here."""
    program = tmp_path / "bin/ssh"
    program.parent.mkdir()
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


@pytest.fixture(params=["directory", "rsync", pytest.param("ssh", marks=pytest.mark.slow), "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Every kind of place, empty."""
    if request.param == "rsync":
        return place_of(request.getfixturevalue("daemon")[0], tmp_path)
    if request.param == "ssh":
        request.getfixturevalue("ssh")
        return place_of(f"ssh://machine.invalid:2222{tmp_path}/by-ssh", tmp_path)
    if request.param == "s3":
        return place_of(request.getfixturevalue("bucket"), tmp_path)
    return place_of("somewhere/new", tmp_path)


def put(folder: Path, place: Place) -> Outcome:
    return publish(folder, place, lambda line: None)


def another(folder: Path, target: Path, release_id: str, epoch: int) -> Path:
    """A release that calls itself another one: enough for what publishes, which does not verify."""
    shutil.copytree(folder, target)
    facts = json.loads((target / "release.json").read_text())
    (target / "release.json").write_text(json.dumps({**facts, "release_id": release_id, "epoch": epoch}))
    write_list(target)
    return target


def test_it_is_there_whole(copy: Path, place: Place, released_once: Released) -> None:
    outcome = put(copy, place)
    release_id = outcome.row.release_id
    names = files_below(copy)
    assert outcome.latest and outcome.uploaded == len(names)
    for name in names:
        assert place.read(f"standin/{release_id}/{name}") == (copy / name).read_bytes(), name
    assert place.read("standin/latest") == f"{release_id}\n".encode()
    index = json.loads(place.read("index.json") or b"")
    assert [row["path"] for row in index["releases"]] == [f"standin/{release_id}"]
    assert index["releases"][0]["sha512"] == digest_of(copy / "SHA512").sha512
    assert release_id in (place.read("index.html") or b"").decode()
    iso = f"standin/{release_id}/dom0.iso"
    digests = {name: digest_of(copy / name).sha512 for name in ("dom0.iso", "dom0.mtree")}
    assert place.other({iso: copy / "dom0.iso"}, {iso: digests["dom0.iso"]}) == []
    for name, digest in (("dom0.mtree", digests["dom0.mtree"]), ("dom0.iso", digests["dom0.mtree"])):
        assert place.other({iso: copy / name}, {iso: digest}) == [iso]


def test_again_it_is_there_already(copy: Path, place: Place) -> None:
    first = put(copy, place)
    second = put(copy, place)
    assert second.uploaded == 0 and second.row == first.row and second.latest


def test_another_release_of_the_same_id_is_refused(copy: Path, place: Place) -> None:
    outcome = put(copy, place)
    (copy / "notes.md").write_text("other words\n")
    write_list(copy)
    with pytest.raises(GlassmasterError, match="a release of this id is published"):
        put(copy, place)
    assert b"other words" not in (place.read(f"{outcome.row.path}/notes.md") or b"")


def test_later_statements_are_added_and_nothing_is_changed(copy: Path, place: Place) -> None:
    outcome = put(copy, place)
    (copy / "rebuilds").mkdir()
    (copy / "rebuilds/somebody.json").write_text("{}")
    assert put(copy, place).uploaded == 1
    assert place.read(f"{outcome.row.path}/rebuilds/somebody.json") == b"{}"
    (copy / "rebuilds/somebody.json").write_text('{"other": 1}')
    assert put(copy, place).uploaded == 0
    assert place.read(f"{outcome.row.path}/rebuilds/somebody.json") == b"{}"


def test_latest_goes_forward_only(copy: Path, place: Place, tmp_path: Path) -> None:
    newer = another(copy, tmp_path / "newer", "ffffffffffff", 2**31)
    assert put(newer, place).latest
    assert not put(copy, place).latest
    assert place.read("standin/latest") == b"ffffffffffff\n"
    rows = read_index(place.read("index.json"), "x")
    assert [row.release_id for row in rows] == [
        "ffffffffffff",
        json.loads((copy / "release.json").read_text())["release_id"],
    ]


class Breaking:
    """A place where the power goes before the operation of this number that changes something; at once, or midway."""

    def __init__(self, place: Place, after: int) -> None:
        self._place, self._left = place, after
        self.url = place.url

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise GlassmasterError("the power has gone")

    def read(self, name: str) -> bytes | None:
        return self._place.read(name)

    def other(self, files: Mapping[str, Path], digests: Mapping[str, str]) -> list[str]:
        self._step()
        return self._place.other(files, digests)

    def put(self, files: Mapping[str, Path]) -> None:
        # One after the other, so that it can break between any two.
        for name, path in files.items():
            self._step()
            self._place.put({name: path})

    def only(self, folder: str, files: Mapping[str, Path]) -> None:
        self._step()
        self._place.only(folder, files)

    def write(self, name: str, data: bytes) -> None:
        self._step()
        self._place.write(name, data)


def valid(place: DirectoryPlace, signers: Path) -> str:
    """What `latest` names, which must be a good release that the index knows."""
    named = (place.read("standin/latest") or b"").decode().strip()
    if named:
        assert verify_directory(place.folder / "standin" / named, signers).problems == ()
        assert named in {row.release_id for row in read_index(place.read("index.json"), "x")}
    return named


def test_power_failures_at_every_step(copy: Path, tmp_path: Path, released_once: Released) -> None:
    """First of a place's first release, then of another one."""
    old = another(copy, tmp_path / "old", "000000000000", 1)
    count = len(files_below(copy)) + 6
    interrupted = 0
    for steps in [*range(0, count, 5), *range(count - 6, count + 1)]:
        place = DirectoryPlace(tmp_path / f"place-{steps}")
        try:
            put(copy, Breaking(place, steps))
        except GlassmasterError as error:
            assert "the power has gone" in str(error)
            interrupted += 1
            assert valid(place, released_once.signers) == ""
        # Run again, it goes on.
        assert put(copy, place).latest
        assert valid(place, released_once.signers) != ""
        shutil.rmtree(place.folder)
    assert interrupted > 8
    for steps in range(0, count + 1, 4):
        place = DirectoryPlace(tmp_path / "second")
        put(old, place)
        try:
            put(copy, Breaking(place, steps))
        except GlassmasterError:
            assert place.read("standin/latest") == b"000000000000\n"
            assert all(
                place.read(f"standin/000000000000/{name}") == (old / name).read_bytes() for name in files_below(old)
            )
        shutil.rmtree(place.folder)


def test_an_upload_that_went_wrong_does_not_count(copy: Path, tmp_path: Path) -> None:
    class Spoiling(DirectoryPlace):
        def put(self, files: Mapping[str, Path]) -> None:
            super().put(files)
            with (self.folder / next(name for name in files if name.endswith("dom0.iso"))).open("r+b") as stream:
                stream.write(b"x")

    place = Spoiling(tmp_path / "place")
    with pytest.raises(GlassmasterError, match="1 files are not there as SHA512 lists them"):
        put(copy, place)
    release_id = json.loads((copy / "release.json").read_text())["release_id"]
    assert place.read(f"standin/{release_id}/SHA512") is None and place.read("standin/latest") is None


def test_what_an_attempt_with_more_files_left_is_gone(copy: Path, place: Place, tmp_path: Path) -> None:
    more = tmp_path / "more"
    shutil.copytree(copy, more)
    left = ("screen-9.png", "smoke/bios/screen-9.png", "smoke/other/serial.log", ".dom0.iso.x1y2z3")
    for name in left:
        (more / name).parent.mkdir(exist_ok=True)
        (more / name).write_text("of the first attempt")
    path = f"standin/{json.loads((copy / 'release.json').read_text())['release_id']}"
    place.put({f"{path}/{name}": more / name for name in (*left, "kernel")})
    place.put({"standin/ffffffffffff/kernel": more / "kernel"})
    assert place.read(f"{path}/screen-9.png") == b"of the first attempt"
    put(copy, place)
    assert [place.read(f"{path}/{name}") for name in left] == [None] * len(left)
    assert place.read("standin/ffffffffffff/kernel") == (copy / "kernel").read_bytes()
    for name in files_below(copy):
        assert place.read(f"{path}/{name}") == (copy / name).read_bytes(), name
    if isinstance(place, DirectoryPlace):
        assert files_below(place.folder / path) == files_below(copy)
        assert not (place.folder / path / "smoke/other").exists()
    # It is published now, and what is published is left alone.
    place.put({f"{path}/screen-9.png": more / "screen-9.png"})
    put(copy, place)
    assert place.read(f"{path}/screen-9.png") == b"of the first attempt"


class Exchanging(Breaking):
    """A place with somebody who runs `doit release` here while files go there."""

    def __init__(self, place: Place, folder: Path, other: Path) -> None:
        super().__init__(place, 10**6)
        self._folder, self._other = folder, other

    def put(self, files: Mapping[str, Path]) -> None:
        put_directory_in_place(self._other, self._folder)
        self._place.put(files)


def test_a_release_that_is_made_meanwhile_does_not_count(copy: Path, tmp_path: Path, place: Place) -> None:
    other = tmp_path / "other"
    shutil.copytree(copy, other)
    (other / "notes.md").write_text("other words\n")
    write_list(other)
    with pytest.raises(GlassmasterError, match="are not there as SHA512 lists them") as raised:
        put(copy, Exchanging(place, copy, other))
    assert "notes.md" in raised.value.why
    release_id = json.loads((copy / "release.json").read_text())["release_id"]
    assert place.read(f"standin/{release_id}/SHA512") is None and place.read("standin/latest") is None
    # Run again, it is what lies here now that is published.
    outcome = put(copy, place)
    assert place.read(f"{outcome.row.path}/notes.md") == b"other words\n"


def test_a_published_release_is_verified_where_it_is(
    copy: Path, tmp_path: Path, released_once: Released, bucket: str
) -> None:
    outcome = put(copy, ObjectPlace(bucket))
    for name, url in (("s3", outcome.url), ("file", copy.as_uri())):
        folder = tmp_path / name
        folder.mkdir()
        fetch_release(url, folder)
        assert verify_directory(folder, released_once.signers).problems == ()
    flipped = tmp_path / "copy"
    shutil.copytree(copy, flipped)
    (flipped / "kernel").write_bytes(b"x")
    (tmp_path / "again").mkdir()
    with pytest.raises(GlassmasterError, match="kernel: not the file that SHA512 there lists"):
        fetch_release(flipped.as_uri(), tmp_path / "again")
    (flipped / "SHA512").write_text("SHA512 (../evil) = " + "0" * 128 + "\n")
    with pytest.raises(GlassmasterError, match="cannot be the name"):
        fetch_release(flipped.as_uri(), tmp_path / "again")


def test_places(tmp_path: Path) -> None:
    assert place_of("x/../y", tmp_path).url == str(tmp_path / "y")
    assert place_of("file:///srv/www", tmp_path).url == "/srv/www"
    assert isinstance(place_of("rsync://h/m/p", tmp_path), RsyncPlace)
    for word in ("https://example.org/x", "ftp://x/y", "rsync://h", "ssh://h", "ssh://-oProxyCommand=x/y"):
        with pytest.raises(GlassmasterError):
            place_of(word, tmp_path)


def test_rsync_commands() -> None:
    daemon, machine = rsync_target("rsync://host:873/cd/x/"), rsync_target("ssh://me@host:2222/srv/www")
    assert daemon == Target("rsync://host:873/cd/x", "", ("RSYNC_PASSWORD",))
    assert machine == Target("me@host:/srv/www", "ssh -o BatchMode=yes -p 2222", ("SSH_AUTH_SOCK",))
    assert rsync_target("ssh://host/srv").ssh == "ssh -o BatchMode=yes"
    assert put_command(daemon, Path("/t")).line() == (
        "rsync --copy-links --mkpath --chmod=D755,F644 --from0 --files-from=- --fsync /t/ rsync://host:873/cd/x/"
    )
    assert other_command(machine, Path("/t")).line() == (
        "rsync --copy-links --checksum --dry-run --out-format=%n --from0 --files-from=- "
        "--rsh 'ssh -o BatchMode=yes -p 2222' /t/ me@host:/srv/www/"
    )
    assert only_command(daemon, Path("/t"), "racks/0").line() == (
        "rsync --recursive --copy-links --delete --existing --ignore-existing /t/racks/0/ rsync://host:873/cd/x/racks/0/"
    )
    assert get_command(daemon, "index.json", Path("/t/f")).line() == "rsync rsync://host:873/cd/x/index.json /t/f"


def test_the_agent_reaches_ssh(ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/of/the/agent")
    place = place_of(f"ssh://me@machine.invalid:2222{tmp_path}/by-ssh", tmp_path)
    place.write("index.json", b"x")
    assert place.read("index.json") == b"x"
    said = ssh.with_name("ssh.log").read_text().splitlines()
    assert set(said[1::2]) == {"agent: /of/the/agent"} and len(said) == 4
    assert all(line.startswith("-o BatchMode=yes -p 2222 -l me machine.invalid rsync --server") for line in said[::2])


def test_a_password_reaches_the_daemon_and_no_message(
    daemon: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = daemon[1].parent.parent
    (folder / "secrets").write_text("me:of-the-daemon\n")
    (folder / "secrets").chmod(0o600)
    with (folder / "conf").open("a") as conf:
        conf.write(f"auth users = me\nsecrets file = {folder}/secrets\n")
    place = place_of(daemon[0].replace("rsync://", "rsync://me@"), tmp_path)
    monkeypatch.setenv("RSYNC_PASSWORD", "of-the-daemon")
    place.write("index.json", b"x")
    assert place.read("index.json") == b"x"
    monkeypatch.setenv("RSYNC_PASSWORD", "another-one")
    with pytest.raises(GlassmasterError) as raised:
        place.read("index.json")
    assert "auth failed" in str(raised.value) and "another-one" not in str(raised.value)


def test_a_daemon_that_is_not_there(copy: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = place_of(f"rsync://127.0.0.1:{unused.getsockname()[1]}/cd/x", copy)
        with pytest.raises(GlassmasterError, match="rsync ended with status"):
            put(copy, place)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_the_command(released: Released, tmp_path: Path) -> None:
    www = tmp_path / "www"
    result = released.doit("publish", str(www), f"signers={released.signers}")
    assert result.returncode == 0, result.stdout
    release_id = (www / "standin/latest").read_text().strip()
    assert f"{www}/standin/{release_id}: " in result.stdout and "published" in result.stdout
    again = released.doit("publish", str(www))
    assert again.returncode == 0 and "it was there" in again.stdout
    # What was published is not made again, not even with other results.
    results = released.clone.out("smoke/smoke.json")
    results.write_text(results.read_text().replace("2.5", "2.6"))
    result = released.doit("release")
    assert result.returncode == 1 and "was published and is not made again" in result.stdout, result.stdout
    # And what is not good is not published.
    (released.folder / "kernel").write_bytes(b"x")
    result = released.doit("publish", str(tmp_path / "other"))
    assert result.returncode == 1 and "BAD" in result.stdout and not (tmp_path / "other").exists()


def test_it_waits_for_a_doit_that_makes_a_release(released: Released, tmp_path: Path) -> None:
    with (released.clone.path / ".doit.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = released.clone.doit("publish", str(tmp_path / "www"), environment={"DOIT_NO_WAIT": "1"})
    assert result.returncode == 3 and ".doit.db is in use by another doit" in result.stdout, result.stdout
    assert not (tmp_path / "www").exists()
