"""`doit diff` as it is called: exit statuses, files, a published release, mistakes."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from glassmaster.atomic import write_text
from glassmaster.inputs.checksums import format_checksums
from tests.diff.conftest import Pairs, World, fill

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT = 300


def doit(here: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Start it where a user stands; both streams are in stdout."""
    environment = {"PATH": os.environ["PATH"], "GLASSMASTER_CWD": str(here), "HOME": str(here)}
    command = [sys.executable, "-m", "doit", "diff", *words]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=TIMEOUT,
    )  # fmt: skip


def setuid(world: World) -> None:
    """A change that needs a decision."""
    world.file("set:base", "bin/cat", "program bin/cat\n", 0o4555)


def made(pairs: Pairs, change: str) -> Path:
    """`old` and `new` below the test's directory."""
    changes = {"none": lambda world: None, "some": lambda world: world.package("git", "1.0"), "setuid": setuid}
    for world in pairs.worlds(changes[change]):
        world.release()
    return pairs.folder


@pytest.mark.parametrize(("change", "status"), [("none", 0), ("some", 1), ("setuid", 2)])
def test_exit_statuses(pairs: Pairs, change: str, status: int) -> None:
    result = doit(made(pairs, change), "old", "new/dom0.iso")
    assert result.returncode == status, result.stdout
    assert "Traceback" not in result.stdout


def test_a_decision_is_taken(pairs: Pairs) -> None:
    here = made(pairs, "setuid")
    first = doit(here, "old", "new")
    assert "--accept setuid:/bin/cat\n" in first.stdout
    second = doit(here, "old", "new", "--accept", "setuid:/bin/cat")
    assert second.returncode == 1 and "allowed: 1 decision, all accepted" in second.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["old"], ["old", "new", "/a", "/b"], ["old", "nothing.iso"], ["old", "new", "--section", "odd"],
        ["old", "new", "--accept", "odd"], ["old", "new", "/no/such/path"], ["old", "work"],
        ["old", "new", "config=none"], ["old", "http://127.0.0.1:9/none"], ["old", "new", "recipe=none"],
        ["old", "new", "--odd"], ["old", "new", "/bin/cat", "--json"],
    ],
)  # fmt: skip
def test_trouble_is_3_and_has_no_traceback(pairs: Pairs, words: list[str]) -> None:
    here = made(pairs, "some")
    (here / "work").write_bytes(b"")
    result = doit(here, *words)
    assert result.returncode == 3, result.stdout
    assert "Traceback" not in result.stdout and result.stdout.strip()


def test_files_and_forms(pairs: Pairs) -> None:
    here = made(pairs, "setuid")
    result = doit(here, "old", "new", "output=out", "--json")
    written = json.loads((here / "out/diff.json").read_text())
    assert json.loads(result.stdout) == written and written["verdict"]["outcome"] == "decision"
    assert (here / "out/diff.md").read_text() == doit(here, "old", "new", "--markdown").stdout
    assert (here / "out/diff.html").read_text().startswith("<!doctype html>".upper()[:2])
    before = {name: (here / "out" / name).read_bytes() for name in ("diff.json", "diff.md", "diff.html")}
    doit(here, "old", "new", "output=out")
    assert before == {name: (here / "out" / name).read_bytes() for name in before}, "the same again, to the byte"


def test_one_path(pairs: Pairs) -> None:
    here = made(pairs, "setuid")
    result = doit(here, "old", "new", "/bin/cat")
    assert result.returncode == 1 and "  mode    0555 -> 4555\n" in result.stdout
    assert doit(here, "old", "new", "/bin/ls").returncode == 0


@pytest.fixture
def published(pairs: Pairs) -> Iterator[tuple[Path, str, list[str]]]:
    """Two releases, the old one published on the loopback; and which of its files are asked for."""
    old, new = pairs.worlds(setuid)
    for world in (old, new):
        world.images["base"] = fill(World(world.folder / "guest"))
    new.images["base"].file("set:etc", "etc/ntp.conf", "server 192.0.2.99\n")
    release, asked = old.release(), []
    new.release()
    names = [
        path.relative_to(release).as_posix() for path in sorted(release.rglob("*.*")) if path.parent.name != "guest"
    ]
    digests = {name: hashlib.sha512((release / name).read_bytes()).hexdigest() for name in names}
    write_text(release / "SHA512", format_checksums("SHA512", digests))

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            asked.append(str(args[0]).split(" ")[1])

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(release))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield pairs.folder, f"http://127.0.0.1:{http.server_port}", asked
        http.shutdown()
        thread.join()


def test_a_published_release(published: tuple[Path, str, list[str]]) -> None:
    here, url, asked = published
    result = doit(here, f"{url}/", "new", "--json")
    found = json.loads(result.stdout)
    assert result.returncode == 2, result.stdout
    assert found["old"]["form"] == "url" and found["old"]["release_id"] == "0123456789ab"
    own, image = found["trees"]
    assert [change["path"] for change in own["changes"]] == ["bin/cat", "images/base.img"]
    assert [change["path"] for change in image["changes"]] == ["etc/ntp.conf"]
    assert "+server 192.0.2.99" in json.dumps(image["sections"])
    # The text in the domU's image was needed, and so its image was; of the disc nothing was.
    assert sorted(asked) == ["/SHA512", "/dom0.mtree", "/domu/base.img", "/domu/base.json", "/domu/base.mtree"]


def test_a_published_release_that_was_changed(published: tuple[Path, str, list[str]]) -> None:
    here, url, _ = published
    (here / "old/dom0.mtree").write_text("#mtree v2.0\n")
    result = doit(here, url, "new")
    assert result.returncode == 3 and "not the file that SHA512 there lists" in result.stdout


def test_a_list_with_strange_paths(published: tuple[Path, str, list[str]]) -> None:
    here, url, _ = published
    text = (here / "old/SHA512").read_text()
    for name in ("domu/..mtree", "domu/.json", "domu/a b.mtree", "domu/-x.json", f"domu/{'x' * 250}.json"):
        write_text(here / "old/SHA512", f"{text}SHA512 ({name}) = {'0' * 128}\n")
        result = doit(here, url, "new")
        assert result.returncode == 3 and "cannot be the name of a file of a release" in result.stdout, name
    write_text(here / "old/SHA512", "SHA512 (other) = " + "0" * 128 + "\n")
    result = doit(here, url, "new")
    assert result.returncode == 3 and "no release is published here" in result.stdout


@pytest.mark.parametrize("header", ["# glassmaster recipe racks, release 0123456789ab\n", ""], ids=["ours", "foreign"])
def test_a_specification_names_no_file_of_this_machine(published: tuple[Path, str, list[str]], header: str) -> None:
    """A digest is 64 digits and nothing else: what it says becomes part of no name."""
    here, url, _ = published
    tree = (here / "old/dom0.mtree").read_text()
    line = next(line for line in tree.splitlines() if line.startswith("./images/base.img "))
    digest = next(word for word in line.split() if word.startswith("sha256="))
    words = line.replace(digest, f"sha256={here}/caught")
    (here / "old/dom0.mtree").write_text(
        tree.replace(line, words).replace("# glassmaster recipe racks, release 0123456789ab\n", header)
    )
    (here / "old/domu/base.json").write_text(json.dumps({"sha256": f"{here}/caught"}))
    names = ["dom0.iso", "dom0.mtree", "domu/base.json", "domu/base.mtree", "domu/base.img"]
    digests = {name: hashlib.sha512((here / "old" / name).read_bytes()).hexdigest() for name in names}
    write_text(here / "old/SHA512", format_checksums("SHA512", digests))
    result = doit(here, url, "new")
    assert result.returncode == 3 and "expected 64 hexadecimal digits" in result.stdout
    assert not list(here.glob("caught*"))
