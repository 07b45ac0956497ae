"""`doit verify DIR|URL`: is a release whole, is it what it says, and who vouches for it?"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, PlainCommand
from glassmaster.places import caller_directory


class Verify(PlainCommand):
    """doit's command."""

    name = "verify"
    doc_purpose = "verify a release: files, signatures, images, SBOM, provenance"
    doc_usage = "DIR|URL [signers=FILE]"
    doc_description = (
        "Checks everything with nothing but the release's files and signers=FILE, the allowed signers "
        "(ssh-keygen(1), ALLOWED SIGNERS, identity and namespace glassmaster): each file's digest, nothing missing or "
        "besides, the signatures, the images read back against their mtree specifications, what SBOM, provenance and "
        "release.json say of files, of the lock and of each other, and the results of smoke, repro and diff. "
        "A release at a URL (http, https, s3, file) is fetched into a temporary directory first. `latest` beside the "
        "releases of a recipe means the one that it names. "
        "Exit status: 0 good, 1 something is wrong, 3 there is no release."
    )
    examples = (
        "verify out/racks/release signers=signers",
        "verify https://cd.example.org/racks/0123456789ab signers=signers --json",
    )
    cmd_options = (JSON,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Fetch if need be, verify, print."""
        from glassmaster.errors import GlassmasterError, readable
        from glassmaster.release.text import as_text

        if len(pos_args) != 1:
            raise InvalidCommand("verify takes one release: `doit verify DIR|URL [signers=FILE]`")
        try:
            result = verified(pos_args[0], str(get_var("signers", "") or ""))
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        except OSError as error:
            raise InvalidCommand(f"{pos_args[0]}: {error}") from error
        data = {**dataclasses.asdict(result), "good": not result.problems}
        print(json.dumps(data, sort_keys=True, indent=1) if opt_values["as_json"] else readable(as_text(result)))
        return int(bool(result.problems))


def verified(word: str, signers: str) -> Any:
    """The result for what a command line names; raises GlassmasterError."""
    from glassmaster.diff.latest import latest_path
    from glassmaster.release.fetched import fetch_release, is_url
    from glassmaster.release.verify import verify_directory

    here = caller_directory()
    allowed = here / signers if signers else None
    if not is_url(word):
        return verify_directory(latest_path(here / word), allowed, word)
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as name:
        folder = Path(name) / "release"
        folder.mkdir()
        fetch_release(word, folder, allowed)
        return verify_directory(folder, allowed, word)
