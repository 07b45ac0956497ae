"""`doit verify` as a user starts it, and the words of docs/verify.md for a NetBSD without glassmaster."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.release import fetched
from glassmaster.release.artefacts import files_below
from glassmaster.release.digestlist import read_list
from glassmaster.release.fetched import fetch_release
from glassmaster.release.seal import seal
from glassmaster.release.verify import verify_directory
from tests.release.conftest import Released

DOCS = Path(__file__).resolve().parents[2] / "docs/verify.md"


class Quiet(SimpleHTTPRequestHandler):
    """Without a line for each request; what was asked for is kept."""

    asked: ClassVar[list[str]] = []

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""
        self.asked.append(self.path)


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """A web server on this machine that shows a directory."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_good(released: Released) -> None:
    result = released.clone.doit("verify", "out/standin/release", f"signers={released.signers}")
    assert result.returncode == 0 and "all 11 checks are good" in result.stdout, result.stdout
    assert "not NetBSD" in result.stdout
    result = released.clone.doit("verify", "out/standin/release")
    assert result.returncode == 0 and "no problems; not checked: signature" in result.stdout, result.stdout


def test_bad(released: Released, another_key: Path) -> None:
    seal(released.folder, another_key)
    (released.folder / "kernel.config").write_text("other\n")
    result = released.clone.doit("verify", "out/standin/release", f"signers={released.signers}", "--json")
    assert result.returncode == 1
    data = json.loads(result.stdout)
    bad = {check["name"] for check in data["checks"] if check["problems"]}
    assert not data["good"] and bad == {"signature"} and len(data["checks"]) == 2
    result = released.clone.doit("verify", "out/standin/release", "--json")
    bad = {check["name"] for check in json.loads(result.stdout)["checks"] if check["problems"]}
    assert result.returncode == 1 and {"files", "kernels"} <= bad


def test_what_is_no_release(released: Released) -> None:
    for words, why in ((["out"], "not a release"), ([], "verify takes one release"), (["out", "x"], "takes one")):
        result = released.clone.doit("verify", *words)
        assert result.returncode == 3 and why in result.stdout and "Traceback" not in result.stdout


def test_over_the_web(released: Released, copy: Path) -> None:
    with web(copy.parent) as url:
        result = released.clone.doit("verify", f"{url}/release/", f"signers={released.signers}")
        assert result.returncode == 0 and "all 11 checks are good" in result.stdout, result.stdout
        (copy / "SHA512.sig").unlink()
        result = released.clone.doit("verify", f"{url}/release/index.html", f"signers={released.signers}")
        assert result.returncode == 1 and "SHA512.sig" in result.stdout, result.stdout
        (copy / "dom0.mtree").unlink()
        result = released.clone.doit("verify", f"{url}/release")
        assert result.returncode == 3 and "dom0.mtree: cannot be read" in result.stdout, result.stdout
        assert released.clone.doit("verify", f"{url}/nothing").returncode == 3


def test_nothing_is_fetched_for_which_nobody_vouches(copy: Path, released_once: Released, another_key: Path) -> None:
    seal(copy, another_key)
    with web(copy.parent) as url:
        Quiet.asked.clear()
        folder = copy.parent / "fetched"
        folder.mkdir()
        fetch_release(f"{url}/release", folder, released_once.signers)
        names = ["SHA512", "SHA512.sig", "domu/SHA512.sig"]
        assert Quiet.asked == [f"/release/{name}" for name in names] and files_below(folder) == names
    result = verify_directory(folder, released_once.signers)
    assert [check.name for check in result.checks if check.problems] == ["signature"]


def test_how_much_is_fetched(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [copy.parent / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    whole = sum((copy / name).stat().st_size for name in read_list(copy / "SHA512"))
    monkeypatch.setattr(fetched, "MOST_BYTES", whole)
    fetch_release(copy.as_uri(), folders[0])
    monkeypatch.setattr(fetched, "MOST_BYTES", whole - 1)
    with pytest.raises(GlassmasterError, match="too large"):
        fetch_release(copy.as_uri(), folders[1])
    monkeypatch.setattr(fetched, "MOST_FILES", 3)
    with pytest.raises(GlassmasterError, match=r"lists \d+ files"):
        fetch_release(copy.as_uri(), folders[2])


def test_latest(released: Released, copy: Path, tmp_path: Path) -> None:
    www = tmp_path / "www/standin"
    www.mkdir(parents=True)
    copy.rename(www / "0123456789ab")
    (www / "latest").write_text("0123456789ab\n")
    with web(www) as url:
        for word in (f"{url}/latest", str(www / "latest")):
            result = released.clone.doit("verify", word, f"signers={released.signers}")
            assert result.returncode == 0 and "all 11 checks are good" in result.stdout, result.stdout
        (www / "latest").write_text("../../secret\n")
        for word in (f"{url}/latest", str(www / "latest")):
            result = released.clone.doit("verify", word)
            assert result.returncode == 3 and "does not name a release" in result.stdout, result.stdout


def by_hand() -> str:
    """The commands of the docs for a machine without glassmaster."""
    blocks = re.findall(r"(?:^    .*\n)+", DOCS.read_text(), re.M)
    return "".join(line[4:] for block in blocks if "ssh-keygen -Y verify" in block for line in block.splitlines(True))


def run_by_hand(folder: Path, signers: Path, shell: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(signers, folder.parent / "signers")
    return subprocess.run(
        [*shell.split(), "-c", by_hand()], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


# bash in its mode of POSIX stands for other shells; NetBSD's sh is of the same descent as dash.
@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix"])
def test_by_hand(copy: Path, released_once: Released, shell: str) -> None:
    (copy / "rebuilds").mkdir()
    for name in ("me.json", "me.json.sig"):
        (copy / "rebuilds" / name).write_text("{}")
    result = run_by_hand(copy, released_once.signers, shell)
    assert result.returncode == 0 and 'Good "glassmaster" signature' in result.stdout, result.stdout


def test_by_hand_with_coreutils(copy: Path) -> None:
    """Debian's sha512sum reads NetBSD's form, too."""
    subprocess.run(["sha512sum", "--quiet", "--strict", "-c", "SHA512"], cwd=copy, check=True)


@pytest.mark.parametrize("what", ["bit", "missing", "more", "more beside statements", "list", "signature", "signer"])
def test_by_hand_tampering(copy: Path, released_once: Released, another_key: Path, what: str) -> None:
    if what == "bit":
        with (copy / "dom0.iso").open("r+b") as stream:
            stream.seek(50000)
            stream.write(b"x")
    elif what == "missing":
        (copy / "domu/base.img").unlink()
    elif what == "more":
        (copy / "domu/evil.img").write_text("x")
    elif what == "more beside statements":
        (copy / "rebuilds").mkdir()
        (copy / "rebuilds/evil.img").write_text("x")
    elif what == "list":
        lines = (copy / "SHA512").read_text().splitlines(keepends=True)
        (copy / "SHA512").write_text("".join(lines[1:]))
    elif what == "signature":
        (copy / "SHA512.sig").unlink()
    else:
        seal(copy, another_key)
    assert run_by_hand(copy, released_once.signers, "dash").returncode != 0
