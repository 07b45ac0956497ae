"""`doit verify`: everything that can be checked of a release with nothing but its files and the allowed signers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glassmaster.errors import GlassmasterError
from glassmaster.release.artefacts import DIGESTS, FACTS, REBUILDS
from glassmaster.release.results import Checked, Verified, read_document, told
from glassmaster.release.verify_files import Handed, check_list, check_signatures, check_voucher, handed
from glassmaster.release.verify_images import check_domus, check_iso, check_kernels
from glassmaster.release.verify_statements import (
    check_evidence,
    check_facts,
    check_provenance,
    check_rebuilds,
    check_sbom,
)


def verify_directory(folder: Path, signers: Path | None = None, where: str = "") -> Verified:
    """Verify a release. signers: the file of allowed signers; without it nobody's word is asked for.

    Raises GlassmasterError where there is no release at all. where: what results call it.
    """
    if not (folder / DIGESTS).is_file():
        raise GlassmasterError(
            f"{where or folder}: not a release", why=f"there is no {DIGESTS} in it",
            hint="a release is what `doit release` makes: out/RECIPE/release",
        )  # fmt: skip
    if signers is not None:
        if not signers.is_file():
            raise GlassmasterError(f"{signers}: there is no such file of allowed signers")
        voucher = check_voucher(folder, signers)
        if voucher.problems:
            # Readers of images and documents are not for what anybody could have put there.
            others = Checked("others", "all other checks", skipped=f"nobody vouches for {DIGESTS}: not looked at")
            return Verified(where or str(folder), {}, (voucher, others))
    release = handed(folder)
    facts = _facts(release)
    without: Mapping[str, str] = facts.get("without") or {}
    # Nothing that a release says of itself takes the question of the signature away.
    checks = [check_list(release), check_signatures(release, signers)]
    checks += [_left_out(check_iso(release), without), check_domus(release), check_kernels(release)]
    checks += [check_provenance(release), check_sbom(release), check_facts(release)]
    checks += check_evidence(release, without)
    if (folder / REBUILDS).is_dir():
        checks.append(check_rebuilds(release, signers))
    return Verified(where or str(folder), facts, tuple(checks))


def _left_out(found: Checked, without: Mapping[str, str]) -> Checked:
    """A check by whose name the release was let through: what it finds is told, and stands in the way of nothing."""
    if found.name not in without or found.skipped:
        return found
    problems = f"; now: {found.problems[0]}" if found.problems else ""
    return Checked(found.name, found.what, skipped=f"released without it: {without[found.name]}{problems}")


def _facts(release: Handed) -> Mapping[str, Any]:
    """For show and to know what was left out; whether they hold is checked like all else."""
    document: dict[str, Any] = {}
    with told([]):
        document = read_document(release.path(FACTS))
    return document if isinstance(document.get("without", {}), dict) else {**document, "without": {}}
