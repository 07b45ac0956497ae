"""A fresh clone on a bare Debian 12: ./doit alone brings it from nothing to an image.

The machine is a chroot with Debian's smallest set of packages, made by mmdebstrap. Of the machine that runs
the test it gets only what the network takes: name servers, Debian mirror, proxies and certificates, the last
two only where they are set.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.launcher.debian import RELEASE, apt_network_settings, mirrors

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).resolve().parents[2]
CLONE = Path("srv/glassmaster")
IMAGE = CLONE / "out/standin/dom0.iso"
NOBODY = "65534:65534"
SECONDS = 45 * 60

# Variables of the caller that say how the network is reached, and those among them that name a file.
NETWORK = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL",
           "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")  # fmt: skip
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")

# The mounts are in a name space of their own and vanish with the last process.
IN_CHROOT = """\
set -eu
root=$1 user=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot --userspec="$user" "$root" "$@"
"""


@dataclass(frozen=True)
class Finished:
    """How a command in the chroot ended: its status, what it printed, what it said, and how long it took."""

    status: int
    output: str
    said: str
    seconds: float


@dataclass(frozen=True)
class BareMachine:
    """The root directory of a small Debian system, and the variables that commands in it get."""

    root: Path
    environment: dict[str, str]

    def run(self, *command: str, user: str = "0:0", directory: Path = CLONE) -> Finished:
        """Runs a command in the chroot, as a user given by numbers, with /proc and /dev and nothing else."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        inside = ["env", "-i", "-C", f"/{directory}", *variables, *command]
        started = time.monotonic()
        finished = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "sh", "-c", IN_CHROOT, "sh", self.root, user, *inside],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        return Finished(finished.returncode, finished.stdout, finished.stderr, time.monotonic() - started)

    def packages(self) -> dict[str, str]:
        """The installed Debian packages and their versions."""
        listed = self.run("dpkg-query", "-W", "-f=${Package} ${Version}\\n", directory=Path())
        assert listed.status == 0, listed.said
        return dict(line.split() for line in listed.output.splitlines())


@pytest.fixture(scope="module")
def bare_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """A bare Debian with a clone of this repository and nothing installed for it."""
    for program in ("mmdebstrap", "unshare", "git"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed; ./doit test-all installs it")
    if os.geteuid() != 0:
        pytest.skip("only root can mount /proc in a chroot and install packages there")
    root = tmp_path_factory.mktemp("bare") / "debian"
    options = root.with_name("apt.conf")
    options.write_text(apt_network_settings())
    try:
        bootstrap = subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--aptopt={options}", RELEASE, root, *mirrors()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        assert bootstrap.returncode == 0, bootstrap.stdout
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        clone(root / CLONE)
        yield BareMachine(root, network_environment(root))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def clone(target: Path) -> None:
    """Copies what a clone of this work tree would hold: tracked files, and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=TOP, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not in a git clone: which files belong to the project is not known")
    for name in filter(None, listed.stdout.split("\0")):
        if os.path.lexists(TOP / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, target / name, follow_symlinks=False)


def network_environment(root: Path) -> dict[str, str]:
    """The variables for commands in the chroot; certificates are copied to where no package puts its own."""
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    environment |= {name: os.environ[name] for name in NETWORK if name in os.environ}
    for name in CERTIFICATES:
        if Path(os.environ.get(name, "")).is_file():
            copy = Path("usr/local/share/network", name)
            (root / copy).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(os.environ[name], root / copy)
            environment[name] = f"/{copy}"
    return environment


def table_group(name: str) -> list[str]:
    """The packages of a group in requirements/debian.txt, by the names that apt-get is given."""
    found = re.search(rf"^group {name} (.+)$", (TOP / "requirements/debian.txt").read_text(), re.MULTILINE)
    assert found is not None
    return [word.split("|")[0] for word in found[1].split() if not word.startswith("@")]


@pytest.mark.slow
def test_from_a_bare_machine_to_an_image(bare_machine: BareMachine, capsys: pytest.CaptureFixture[str]) -> None:
    bare = bare_machine.packages()
    for_python = [package for package in table_group("python") if package not in bare]
    for_iso = [package for package in table_group("iso") if package not in bare]
    assert "python3" in for_python
    assert "sudo" not in bare

    refused = bare_machine.run("./doit", "iso", user=NOBODY)
    assert (refused.status, refused.output) == (3, "")
    assert f"apt-get install -y --no-install-recommends {' '.join(for_python + for_iso)};" in refused.said
    assert bare_machine.packages() == bare

    listed = bare_machine.run("./doit", "list")
    assert listed.status == 0, listed.said + listed.output
    assert f"that are missing: {' '.join(for_python)}\n" in listed.said
    assert "iso" in listed.output.split()
    # Listing tasks installs nothing of theirs; openssl comes with ca-certificates.
    left = [package for package in for_iso if package not in bare_machine.packages()]
    assert set(for_iso) - set(left) <= {"openssl"}

    first = bare_machine.run("./doit", "iso")
    assert first.status == 0, first.said + first.output
    assert f"that are missing: {' '.join(left)}\n" in first.said
    image = (bare_machine.root / IMAGE).read_bytes()
    installed = bare_machine.packages()
    assert {*for_python, *for_iso} <= set(installed)
    assert not [package for package in installed if package.startswith(("xen-", "grub-"))]

    second = bare_machine.run("./doit", "iso")
    assert second.status == 0, second.said + second.output
    assert "installing" not in second.said
    assert bare_machine.packages() == installed
    assert (bare_machine.root / IMAGE).read_bytes() == image

    with capsys.disabled():
        print(f"\nbare machine: {len(bare)} packages, in the end {len(installed)}")
        print(f"{listed.said}./doit list: {listed.seconds:.1f} s")
        print(f"{first.said}./doit iso: {first.seconds:.1f} s, again: {second.seconds:.2f} s")
