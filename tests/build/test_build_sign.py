"""`doit sign`: the manifest of the domUs' images gets a signature that holds for this manifest alone."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.release.signing import KEY, verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build.conftest import Clone


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


def test_the_manifest_is_signed_and_loses_its_signature_with_its_content(built: Clone, key: Path) -> None:
    allowed = key.with_name("allowed")
    allowed.write_text(f"glassmaster {key.with_suffix('.pub').read_text()}")
    manifest = built.out("domu/SHA512")
    result = built.doit("sign", environment={KEY: str(key)})
    assert result.returncode == 0, result.stdout
    assert "out/standin/domu/SHA512.sig: the signature of out/standin/domu/SHA512" in result.stdout
    verify(manifest, allowed)
    # The servers' own reader and verifier take both.
    rollout = (
        'set -e; . overlays/dom0/libexec/glassmaster/rollout.sh; rollout_read "$1"; rollout_verify "$2" "$1" "$1.sig"'
    )
    said = subprocess.run(
        ["sh", "-c", rollout, "rollout", manifest, allowed], cwd=built.path, check=True, capture_output=True, text=True
    ).stdout
    assert [line.split()[0] for line in said.splitlines()] == ["base.img", "netbsd-XEN3_DOMU", "small.img"]

    # Another image, another manifest: the old signature is not left beside it.
    recipe = built.path / "recipes" / "standin.yaml"
    recipe.write_text(recipe.read_text().replace("sets: [etc, misc]", "sets: [etc]"))
    result = built.doit("domu")
    assert result.returncode == 0, result.stdout
    assert not built.out("domu/SHA512.sig").exists()
    assert built.doit("sign", environment={KEY: str(key)}).returncode == 0
    verify(manifest, allowed)
    manifest.write_text(manifest.read_text() + "# more\n")
    with pytest.raises(GlassmasterError, match="not signed by one of"):
        verify(manifest, allowed)


def test_without_a_key_or_a_manifest_it_says_what_to_do(built: Clone, key: Path) -> None:
    result = built.doit("sign")
    assert result.returncode == 1
    assert "GLASSMASTER_SIGNING_KEY is not set" in result.stdout and "ssh-agent" in result.stdout
    assert not built.out("domu/SHA512.sig").exists()
    text = (built.path / "recipes" / "standin.yaml").read_text()
    plain = re.sub(r"^domus:\n(?:  .*\n)+", "", text, flags=re.MULTILINE)
    assert plain != text
    (built.path / "recipes" / "plain.yaml").write_text(plain)
    result = built.doit("sign", "recipe=plain", environment={KEY: str(key)})
    assert result.returncode == 1 and "recipe plain: nothing to sign" in result.stdout, result.stdout
