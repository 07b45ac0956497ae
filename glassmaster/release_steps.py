"""The step that hands over: a directory with everything, verified as `doit verify` does, or none."""

from __future__ import annotations

import tempfile
from pathlib import Path

from glassmaster.atomic import write_json, write_text
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.lock import read_lock
from glassmaster.inputs.record import read_record
from glassmaster.places import Places
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.release.artefacts import DIFF, FACTS, NOTES, PAGE, REBUILDS, artefacts, digest_chunks, is_built
from glassmaster.release.assemble import (
    Staged,
    facts,
    stage_artefacts,
    stage_evidence,
    stage_rebuilds,
    stage_statements,
    write_list,
)
from glassmaster.release.compare import compared_with
from glassmaster.release.gates import Obstacle, obstacles, passed
from glassmaster.release.kept import keep
from glassmaster.release.notes import notes
from glassmaster.release.options import Options
from glassmaster.release.page import page
from glassmaster.release.place import directory_beside, put_directory_in_place
from glassmaster.release.published import require_unpublished
from glassmaster.release.rebuilds import Words, require_rebuilds
from glassmaster.release.seal import seal, signers_of
from glassmaster.release.signing import signing_key
from glassmaster.release.verify import verify_directory

SHOWN = 20


def make_release(loaded: LoadedRecipe, options: Options) -> None:
    """Put the release together beside its place, verify it, and give it its name."""
    places = Places(loaded.name)
    release_id = read_record(places.inputs).release_id
    require_unpublished(places.published, release_id)
    found = artefacts(loaded)
    digests = {item.name: digest_chunks(item.chunks()) for item in found}
    key, unsigned = _key()
    with directory_beside(places.release) as folder, tempfile.TemporaryDirectory(prefix="glassmaster-") as work:
        comparison = places.out
        if options.previous:
            comparison = Path(work)
            for name, text in compared_with(options.previous, loaded, Path(options.caller)).items():
                write_text(comparison / name, text)
        in_the_way = obstacles(loaded, release_id, digests, comparison / f"{DIFF}.json", options.word)
        staged = Staged(folder, loaded, release_id, passed([*in_the_way, *unsigned], options.without))
        stage_artefacts(staged, found)
        stage_evidence(staged, comparison)
        stage_rebuilds(staged, places.release)
        words = _words(staged, options)
        images = stage_statements(staged, read_lock(loaded.lock))
        write_text(folder / NOTES, notes(facts(staged), folder))
        staged.note(NOTES, "release notes")
        write_json(folder / FACTS, facts(staged))
        write_text(folder / PAGE, page(folder, facts(staged), images, words))
        write_list(folder)
        if key:
            seal(folder, key)
        _require_good(folder, key, places.release)
        kept = keep(places.release, folder, places.kept)
        put_directory_in_place(folder, places.release)
        if kept:
            print(f"what was in {places.release}/ and not of the release itself is now in {kept}/", flush=True)


def _words(staged: Staged, options: Options) -> Words | None:
    """Who built the same, where it was said whose word counts; an error if they are too few."""
    if options.allowed is None:
        return None
    built = {name: digest.sha256 for name, digest in staged.digests.items() if is_built(name)}
    return require_rebuilds(options.rebuilds, staged.folder / REBUILDS, options.allowed, built)


def _key() -> tuple[Path | None, list[Obstacle]]:
    """The key to sign with, or why there is none."""
    try:
        return signing_key(), []
    except GlassmasterError as error:
        return None, [Obstacle("signature", error.what, error.hint)]


def _require_good(folder: Path, key: Path | None, place: Path) -> None:
    """Verify what was put together, as `doit verify` will; a problem is an error, and nothing gets its name."""
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as name:
        signers = None
        if key:
            signers = Path(name) / "signers"
            signers.write_text(signers_of(key), encoding="utf-8")
        problems = verify_directory(folder, signers, str(place)).problems
    if problems:
        more = len(problems) - SHOWN
        lines = [*problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise GlassmasterError(
            f"{place}: not released: {len(problems)} problems were found in it", why="\n".join(lines),
            hint="build it again; if it stays so, report it",
        )  # fmt: skip
