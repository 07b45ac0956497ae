"""Signatures with OpenSSH, which NetBSD 10 and later can verify with nothing but their base.

A signature is a file of its own, FILE.sig. Whose counts is in a file of allowed signers (ssh-keygen(1), ALLOWED
SIGNERS), for the identity and the namespace `glassmaster`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from glassmaster.atomic import write_bytes
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

NAMESPACE = IDENTITY = "glassmaster"
SUFFIX = ".sig"
KEY = "GLASSMASTER_SIGNING_KEY"
AGENT = "SSH_AUTH_SOCK"
PROGRAM = "ssh-keygen"
PRIVATE = b"-----BEGIN "  # of OpenSSH's own form and of the PEM forms


def sign_command(key: Path, agent: str = "") -> Command:
    """Sign standard input; the signature goes to standard output. agent: the socket of ssh-agent, or ""."""
    return Command((PROGRAM, "-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE), {AGENT: agent} if agent else {})


def verify_command(signers: Path, signature: Path) -> Command:
    """Verify a signature of standard input by one of the allowed signers."""
    return Command((
        PROGRAM, "-Y", "verify", "-f", str(signers), "-I", IDENTITY, "-n", NAMESPACE, "-s", str(signature),
    ))  # fmt: skip


def signature_of(path: Path) -> Path:
    """Where the signature of a file is."""
    return path.with_name(path.name + SUFFIX)


def signing_key(environment: Mapping[str, str] = os.environ) -> Path:
    """The key to sign with: a private key, or a public one whose private half is in ssh-agent.

    Raises GlassmasterError when none is named, when it cannot be read, or when a private key lies in the repository.
    """
    named = environment.get(KEY)
    if not named:
        raise GlassmasterError(
            f"{KEY} is not set", why="it names the key to sign with",
            hint=f"{KEY}=FILE: a private key of ssh-keygen, or the public half of one that ssh-agent holds",
        )  # fmt: skip
    path = Path(named).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GlassmasterError(f"{KEY}={named}: cannot be read", why=error.strerror or str(error)) from error
    if content.startswith(PRIVATE) and path.resolve().is_relative_to(Path.cwd()):
        raise GlassmasterError(
            f"{KEY}={named}: a private key in the repository", why="sooner or later it would be committed",
            hint="keep it elsewhere, or in ssh-agent and name its public half",
        )  # fmt: skip
    return path


def sign(path: Path, key: Path, agent: str | None = None) -> Path:
    """Sign a file; returns where the signature is. Equal files and keys give equal signatures for Ed25519 and RSA."""
    socket = os.environ.get(AGENT, "") if agent is None else agent
    try:
        signature = run(sign_command(key, socket), stdin=path.read_bytes())
    except OSError as error:
        raise GlassmasterError(f"{path}: cannot be read", why=error.strerror or str(error)) from error
    except GlassmasterError as error:
        raise GlassmasterError(
            f"{path}: not signed with {key}", why=f"{error.what}\n{error.why}".strip(),
            hint="a key with a passphrase goes into ssh-agent (ssh-add); the key named is then its public half",
        ) from error  # fmt: skip
    target = signature_of(path)
    write_bytes(target, signature)
    return target


def verify(path: Path, signers: Path, signature: Path | None = None) -> str:
    """Check a file's signature; returns whose it is, as ssh-keygen says it.

    Raises GlassmasterError when it does not hold.
    """
    signature = signature or signature_of(path)
    missing = [item for item in (path, signers, signature) if not item.is_file()]
    if missing:
        raise GlassmasterError(f"{path}: the signature cannot be verified", why=f"there is no {missing[0]}")
    try:
        return run(verify_command(signers, signature), stdin=path.read_bytes()).decode("utf-8", "replace").strip()
    except GlassmasterError as error:
        raise GlassmasterError(
            f"{path}: not signed by one of {signers}",
            why=error.why,
            hint=f"do not use what it belongs to; each line of {signers.name} must begin with the name {IDENTITY}",
        ) from error
