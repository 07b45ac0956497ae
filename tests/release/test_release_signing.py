"""Signatures by the real ssh-keygen: made by a file or by an agent, and refused when anything was changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.release.signing import KEY, sign, sign_command, signature_of, signing_key, verify, verify_command

MANIFEST = b"# epoch 1\nSHA512 (base.img) = 00\n"


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", path], check=True)
    return path


def signers(path: Path, *keys: Path) -> Path:
    lines = [f'glassmaster namespaces="glassmaster" {key.with_suffix(".pub").read_text()}' for key in keys]
    path.write_text("".join(lines))
    return path


def wrong(why: str, path: Path, allowed: Path) -> None:
    with pytest.raises(GlassmasterError, match=why):
        verify(path, allowed)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "SHA512"
    path.write_bytes(MANIFEST)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "key")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an agent that holds nothing yet."""
    socket = str(tmp_path / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it says where it is once it listens
        yield socket
    finally:
        process.kill()
        process.communicate()


def test_the_commands() -> None:
    assert sign_command(Path("k.pub"), "/s").line() == "SSH_AUTH_SOCK=/s ssh-keygen -Y sign -q -f k.pub -n glassmaster"
    assert sign_command(Path("k")).line() == "ssh-keygen -Y sign -q -f k -n glassmaster"
    assert (
        verify_command(Path("allowed"), Path("SHA512.sig")).line()
        == "ssh-keygen -Y verify -f allowed -I glassmaster -n glassmaster -s SHA512.sig"
    )


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_what_is_signed_is_verified_and_signed_again_it_is_the_same(manifest: Path, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / "key", kind=kind)
    assert sign(manifest, key, "") == signature_of(manifest) == tmp_path / "SHA512.sig"
    first = signature_of(manifest).read_bytes()
    assert 'Good "glassmaster" signature for glassmaster' in verify(manifest, signers(tmp_path / "allowed", key))
    sign(manifest, key, "")
    assert signature_of(manifest).read_bytes() == first
    assert manifest.read_bytes() == MANIFEST


def test_a_changed_manifest_another_key_and_another_namespace_are_refused(
    manifest: Path, key: Path, tmp_path: Path
) -> None:
    sign(manifest, key, "")
    allowed = signers(tmp_path / "allowed", key)
    wrong("not signed by one of", manifest, signers(tmp_path / "others", make_key(tmp_path / "other")))
    manifest.write_bytes(MANIFEST.replace(b"00", b"01"))
    wrong("not signed by one of", manifest, allowed)
    manifest.write_bytes(MANIFEST)
    verify(manifest, allowed)
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(key), "-n", "file", str(manifest)]
    signature_of(manifest).unlink()
    subprocess.run(command, check=True)
    wrong("not signed by one of", manifest, allowed)
    allowed.write_text(allowed.read_text().replace("glassmaster namespaces", "somebody namespaces"))
    sign(manifest, key, "")
    wrong("not signed by one of", manifest, allowed)


@pytest.mark.parametrize("name", ["SHA512", "SHA512.sig", "allowed"])
def test_nothing_can_be_verified_without_all_three_files(manifest: Path, key: Path, tmp_path: Path, name: str) -> None:
    sign(manifest, key, "")
    allowed = signers(tmp_path / "allowed", key)
    (tmp_path / name).unlink()
    wrong(f"there is no {tmp_path / name}", manifest, allowed)


def test_a_key_with_a_passphrase_signs_through_the_agent_alone(manifest: Path, agent: str, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", "a passphrase")
    with pytest.raises(GlassmasterError, match="goes into ssh-agent") as caught:
        sign(manifest, locked, "")
    assert str(locked) in str(caught.value)
    assert not signature_of(manifest).exists()
    key = make_key(tmp_path / "key")
    subprocess.run(["ssh-add", "-q", key], check=True, env={"SSH_AUTH_SOCK": agent, "PATH": "/usr/bin:/bin"})
    key.unlink()
    with pytest.raises(GlassmasterError, match="not signed with"):
        sign(manifest, key.with_suffix(".pub"), "")
    sign(manifest, key.with_suffix(".pub"), agent)
    verify(manifest, signers(tmp_path / "allowed", key))


def test_the_key_is_named_by_the_environment_and_kept_out_of_the_repository(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signing_key({KEY: str(key)}) == key
    for environment, message in (
        ({}, "GLASSMASTER_SIGNING_KEY is not set"),
        ({KEY: ""}, "GLASSMASTER_SIGNING_KEY is not set"),
        ({KEY: str(tmp_path / "no")}, "cannot be read\n  No such file"),
    ):
        with pytest.raises(GlassmasterError) as caught:
            signing_key(environment)
        assert message in str(caught.value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GlassmasterError, match="a private key in the repository"):
        signing_key({KEY: "key"})
    assert signing_key({KEY: "key.pub"}) == Path("key.pub")
