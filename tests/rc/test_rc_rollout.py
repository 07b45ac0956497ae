"""glassmaster-rollout: images come whole and signed or not at all, and the one before can be put back."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rc.sandbox import Sandbox

URL = "http://repo.example.org/domu"
# What a ssh-keygen of before OpenSSH 8.1 says.
OLD_SSH = "echo 'ssh-keygen: unknown option -- Y' >&2; exit 1"
# /served is the server: ftp -o FILE URL.
FTP = f'cat "/served/${{3#{URL}/}}" >"$2" 2>/dev/null'


def manifest(images: dict[str, bytes], epoch: int = 100, release: str = "r1") -> str:
    lines = ["# recipe test", f"# release {release}", f"# epoch {epoch}"]
    return "".join(f"{line}\n" for line in [*lines, *(f"SHA512 ({n}) = {sha512(d)}" for n, d in images.items())])


def sha512(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


@pytest.fixture
def machine(sandbox: Sandbox) -> Sandbox:
    """A server, and what it can fetch."""
    sandbox.answer("ftp", FTP)
    sandbox.write("config/local/etc/rc.conf", f". /etc/defaults/rc.conf\nglassmaster_images_url={URL}/\n")
    serve(sandbox, {"base.img": b"base 1", "store.img": b"store 1"})
    return sandbox


def serve(machine: Sandbox, images: dict[str, bytes], epoch: int = 100, release: str = "r1") -> str:
    """Put these on the server. The digest of their manifest."""
    shutil.rmtree(machine.root / "served", ignore_errors=True)
    text = manifest(images, epoch, release)
    machine.write("served/SHA512", text)
    for name, data in images.items():
        machine.write(f"served/{name}", data.decode())
    return sha512(text.encode())


def rollout(machine: Sandbox, *words: str) -> tuple[int, list[str]]:
    done = machine.run("/usr/sbin/glassmaster-rollout", *words)
    assert not (machine.root / "memory/rollout").exists()
    return done.status, done.stages()


def refused(why: str) -> tuple[int, list[str]]:
    return 1, [f'rollout status=refused why="{why}"']


def here(machine: Sandbox) -> dict[str, str]:
    """What each link leads to, as content; and how many files there are."""
    images = machine.root / "config/images"
    links = {
        str(path.relative_to(images)): path.read_text() for path in sorted(images.rglob("*.img")) if path.is_symlink()
    }
    return {**links, "files": str(len(list((images / "files").iterdir())))}


def digest_rollout(machine: Sandbox, images: dict[str, bytes], epoch: int = 100) -> None:
    assert rollout(machine, "-x", serve(machine, images, epoch))[0] == 0


def test_images_come_by_a_digest_given_by_hand(machine: Sandbox) -> None:
    digest = sha512(machine.text("served/SHA512").encode())
    assert rollout(machine, "-x", digest) == (
        0,
        [
            "image status=ok name=base.img release=r1",
            "image status=ok name=store.img release=r1",
            "rollout status=ok trusted=digest images=2",
        ],
    )
    assert machine.calls("ftp") == [
        f"ftp -o /memory/rollout/SHA512 {URL}/SHA512",
        f"ftp -o /config/images/files/new.base.img {URL}/base.img",
        f"ftp -o /config/images/files/new.store.img {URL}/store.img",
    ]
    assert here(machine) == {"base.img": "base 1", "store.img": "store 1", "files": "2"}
    image = machine.root / "config/images/base.img"
    assert image.readlink() == Path(f"files/{sha512(b'base 1')[:32]}.base.img")
    assert image.stat().st_mode & 0o777 == 0o444
    # The second time nothing is fetched but the manifest.
    machine.forget()
    assert rollout(machine, "-x", digest)[1] == [
        "image status=same name=base.img release=r1",
        "image status=same name=store.img release=r1",
        "rollout status=ok trusted=digest images=2",
    ]
    assert machine.calls("ftp") == [f"ftp -o /memory/rollout/SHA512 {URL}/SHA512"]


def test_an_image_is_on_the_disk_before_it_has_its_name(machine: Sandbox) -> None:
    for name in ("find", "mv", "dd", "ln"):
        machine.instead(name, f'echo "{name} $*" >>/calls; exec busybox {name} "$@"')
    digest_rollout(machine, {"base.img": b"base 1"})
    files, link = "/config/images/files", f"files/{sha512(b'base 1')[:32]}.base.img"
    # dd of NetBSD waits for its standard output, the file.
    flush = ["sync ", "dd if=/dev/null"]
    assert machine.calls("sync", "dd", "mv", "ln") == [
        *flush,
        f"mv -f {files}/new.base.img /config/images/{link}",
        "sync ",
        f"ln -s {link} /config/images/base.img.gm-new",
        "mv -f /config/images/base.img.gm-new /config/images/base.img",
        *flush,
        "mv -f /config/images/epoch.new /config/images/epoch",
    ]
    assert [call.split(" -type")[0] for call in machine.calls("find")] == [
        f"find {files}/new.base.img", "find /config/images/epoch.new"
    ]  # fmt: skip


def test_the_previous_image_stays_and_comes_back(machine: Sandbox) -> None:
    for number in (1, 2, 3):
        digest_rollout(machine, {"base.img": f"base {number}".encode(), "store.img": b"store"}, epoch=number)
    assert here(machine) == {
        "base.img": "base 3", "previous/base.img": "base 2", "store.img": "store", "files": "3",
    }  # fmt: skip
    before, after = (f"files/{sha512(data)[:32]}.base.img" for data in (b"base 2", b"base 3"))
    assert rollout(machine, "back", "base.img") == (0, [f"image status=back name=base.img file={before}"])
    assert here(machine)["base.img"] == "base 2" and here(machine)["previous/base.img"] == "base 3"
    listed = machine.run("/usr/sbin/glassmaster-rollout", "list").output.splitlines()
    assert listed == [
        f"base.img {before} previous={after}",
        f"store.img files/{sha512(b'store')[:32]}.store.img previous=",
    ]
    assert rollout(machine, "back", "base.img")[0] == 0
    assert here(machine)["base.img"] == "base 3"
    assert rollout(machine, "back", "store.img") == refused("there is no previous store.img")
    assert rollout(machine, "back", "../x")[0] == 1


def test_one_image_alone(machine: Sandbox) -> None:
    digest = sha512(machine.text("served/SHA512").encode())
    assert rollout(machine, "-x", digest, "store.img")[0] == 0
    assert here(machine) == {"store.img": "store 1", "files": "1"}
    # A dot is a dot.
    assert rollout(machine, "-x", digest, "storexi.g") == refused("storexi.g is not in the manifest")


def test_a_manifest_of_the_disc(machine: Sandbox) -> None:
    machine.write("domu/SHA512", manifest({"base.img": b"base 1"}))
    machine.write("served/SHA512", "anything\n")
    assert rollout(machine, "-m", "/domu/SHA512")[1][-1] == "rollout status=ok trusted=here images=1"
    assert rollout(machine, "-m", "/none") == refused("there is no /none")


def test_a_wrong_digest_of_the_manifest(machine: Sandbox) -> None:
    assert rollout(machine, "-x", "0" * 128) == refused(f"{URL}/SHA512 has not the digest that was given")
    assert here(machine) == {"files": "0"}


def test_a_changed_image_is_not_taken_and_none_is_switched(machine: Sandbox) -> None:
    digest = sha512(machine.text("served/SHA512").encode())
    machine.write("served/store.img", "store X")
    assert rollout(machine, "-x", digest) == refused(f"{URL}/store.img is not what the manifest says")
    # base.img has come, whole, and is not used before all have.
    assert here(machine) == {"files": "1"}
    machine.write("served/store.img", "store 1")
    assert rollout(machine, "-x", digest)[0] == 0


def test_a_file_that_was_damaged_here_is_fetched_again(machine: Sandbox) -> None:
    digest_rollout(machine, {"base.img": b"base 1"})
    file = machine.root / f"config/images/files/{sha512(b'base 1')[:32]}.base.img"
    file.chmod(0o644)
    file.write_text("bad")
    digest_rollout(machine, {"base.img": b"base 1"})
    assert file.read_text() == "base 1"


def test_what_cannot_be_fetched(machine: Sandbox) -> None:
    digest = sha512(machine.text("served/SHA512").encode())
    (machine.root / "served/store.img").unlink()
    assert rollout(machine, "-x", digest) == refused(f"{URL}/store.img could not be fetched")
    (machine.root / "served/SHA512").unlink()
    assert rollout(machine, "-x", digest) == refused(f"{URL}/SHA512 could not be fetched")


def test_an_older_manifest_is_taken_only_when_told(machine: Sandbox) -> None:
    digest_rollout(machine, {"base.img": b"base 2"}, epoch=200)
    digest = serve(machine, {"base.img": b"base 1"}, epoch=100)
    why = "the manifest is of 100, older than what is here (200); -o takes it all the same"
    assert rollout(machine, "-x", digest) == refused(why)
    assert rollout(machine, "-o", "-x", digest)[0] == 0
    assert here(machine)["base.img"] == "base 1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the manifest has no line # epoch SECONDS"),
        ("# epoch 1\n", "manifest: line 1: it names no image"),
        ("# epoch 1\nSHA512 (a.img) = 12\n", "manifest: line 2: not a SHA512"),
        ("# epoch 1\nSHA512 (a.img) = " + "G" * 128 + "\n", "manifest: line 2: not a SHA512"),
        ("# epoch 1\nSHA512 (../a) = " + "0" * 128 + "\n", "manifest: line 2: not a name for an image"),
        ("# epoch 1\nSHA512 (.a) = " + "0" * 128 + "\n", "manifest: line 2: not a name for an image"),
        ("# epoch 1\nMD5 (a) = " + "0" * 128 + "\n", 'manifest: line 2: not of the form "SHA512 (NAME) = DIGEST"'),
        ("# epoch 1\n" + ("SHA512 (a) = " + "0" * 128 + "\n") * 2, "manifest: line 3: given twice"),
    ],
)
def test_mistakes_in_the_manifest(machine: Sandbox, text: str, why: str) -> None:
    machine.write("manifest", text)
    status, stages = rollout(machine, "-m", "/manifest")
    assert status == 1 and stages[0].replace('"', "") == f"rollout status=refused why={why}".replace('"', "")
    assert here(machine) == {"files": "0"}


def test_an_old_ssh_keygen_says_plainly_what_else_there_is(machine: Sandbox) -> None:
    shutil.copy(machine.root / "sbin/ftp", machine.root / "sbin/ssh-keygen")
    machine.answer("ssh-keygen", OLD_SSH)
    why = "the ssh-keygen of this release cannot verify signatures; "
    assert rollout(machine) == refused(f"{why}give the manifest's SHA512 with -x, or the manifest with -m")


def test_without_a_place_or_with_a_wrong_one(machine: Sandbox) -> None:
    machine.write("config/local/etc/rc.conf", ". /etc/defaults/rc.conf\n")
    assert rollout(machine) == refused("-u URL must be given, or glassmaster_images_url in rc.conf")
    assert rollout(machine, "-u", "/x") == refused("/x: must begin with http://, https://, ftp:// or rsync://")
    rsync = "rsync://repo.example.org/domu"
    assert rollout(machine, "-u", rsync) == refused(f"there is no rsync on this image for {rsync}")
    assert rollout(machine, "-u", URL, "-x", "1", "-m", "/x") == refused("-x and -m: one of them")
    assert rollout(machine, "-q")[0] == 1
    assert rollout(machine, "back")[0] == 1


def test_rsync_where_it_is_installed(machine: Sandbox) -> None:
    shutil.copy(machine.root / "sbin/ftp", machine.root / "sbin/rsync")
    machine.answer("rsync", 'cat "/served/${2##*/}" >"$3"')
    machine.write("manifest", manifest({"base.img": b"base 1"}))
    assert rollout(machine, "-u", "rsync://repo.example.org/domu", "-m", "/manifest")[0] == 0
    get = "rsync --partial rsync://repo.example.org/domu/base.img /config/images/files/new.base.img"
    assert machine.calls("rsync") == [get]


def test_one_at_a_time(machine: Sandbox) -> None:
    (machine.root / "memory/rollout").mkdir()
    done = machine.run("/usr/sbin/glassmaster-rollout", "back", "base.img")
    assert done.status == 1
    assert done.output == "glassmaster: another glassmaster-rollout is running (/memory/rollout)\n"


class TestSigned:
    """With this machine's own ssh-keygen, which is another reader and writer of the signature."""

    @pytest.fixture
    def signing(self, machine: Sandbox, tmp_path: Path) -> Path:
        machine.real("ssh-keygen")
        machine.write("etc/passwd", "root:*:0:0:root:/root:/bin/sh\n")
        for name in ("good", "other"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(tmp_path / name)]
            subprocess.run(command, check=True)
        key = (tmp_path / "good.pub").read_text()
        machine.write("config/global/signers", f'glassmaster namespaces="glassmaster" {key}')
        return tmp_path

    def sign(self, machine: Sandbox, key: Path, namespace: str = "glassmaster") -> None:
        path = machine.root / "served/SHA512"
        path.with_suffix(".sig").unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(path)]
        subprocess.run(command, check=True, capture_output=True)

    def test_a_good_signature(self, machine: Sandbox, signing: Path) -> None:
        self.sign(machine, signing / "good")
        assert rollout(machine)[1][-1] == "rollout status=ok trusted=signature images=2"

    @pytest.mark.parametrize(("key", "namespace"), [("other", "glassmaster"), ("good", "file")])
    def test_of_somebody_else_or_for_something_else(
        self, machine: Sandbox, signing: Path, key: str, namespace: str
    ) -> None:
        self.sign(machine, signing / key, namespace)
        assert rollout(machine) == refused(f"{URL}/SHA512 is not signed by one of /config/global/signers")

    def test_a_manifest_that_was_changed_afterwards(self, machine: Sandbox, signing: Path) -> None:
        self.sign(machine, signing / "good")
        machine.write("served/SHA512", machine.text("served/SHA512").replace("# epoch 100", "# epoch 101"))
        assert rollout(machine) == refused(f"{URL}/SHA512 is not signed by one of /config/global/signers")

    def test_without_signature_or_signers(self, machine: Sandbox, signing: Path) -> None:
        assert rollout(machine) == refused(f"{URL}/SHA512.sig could not be fetched")
        (machine.root / "config/global/signers").unlink()
        why = "there is no /config/global/signers that says whose signature counts; or use -x or -m"
        assert rollout(machine) == refused(why)
