"""`doit publish URL`: a release to a directory, to S3, or to a machine with rsync; an index, and `latest` last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import PlainCommand
from glassmaster.places import caller_directory


class Publish(PlainCommand):
    """doit's command."""

    name = "publish"
    doc_purpose = "publish a release, with an index and a `latest` that moves last"
    doc_usage = "URL [recipe=NAME] [signers=FILE] [rebuilds=N]"
    doc_description = (
        "Verifies out/RECIPE/release, with signers=FILE its signatures too, and puts it into URL/RECIPE/RELEASE-ID/. "
        "URL is a directory, rsync://HOST/MODULE/PATH, ssh://[USER@]HOST[:PORT]/PATH (by rsync), or s3://BUCKET/PATH. "
        "What is there is compared with what is here; then URL/index.json, URL/index.html and, last, URL/RECIPE/latest "
        "name it. A release that is published is never changed. Interrupted, it leaves `latest` as it was, and goes on "
        "when it is run again. With rebuilds=N it is published only if N of the signers say, in "
        "out/RECIPE/release/rebuilds/, that they built the same (`doit rebuild`). "
        "Exit status: 0 published, 1 it is not."
    )
    examples = (
        "publish /srv/www/cd",
        "publish ssh://www.example.org/cd signers=signers rebuilds=2",
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Verify, publish, say where it is."""
        from glassmaster.commands.recipes import recipe_of, words_asked_for
        from glassmaster.errors import GlassmasterError, readable
        from glassmaster.places import Places
        from glassmaster.release.published import note_published
        from glassmaster.release.publishing.places import place_of
        from glassmaster.release.publishing.publish import publish
        from glassmaster.release.rebuilds import require_rebuilds_of
        from glassmaster.release.text import as_text
        from glassmaster.release.verify import verify_directory

        if len(pos_args) != 1:
            raise InvalidCommand("publish takes one place: `doit publish URL`")
        here = caller_directory()
        signers = str(get_var("signers", ""))
        allowed = here / signers if signers else None
        wanted = _rebuilds_wanted(allowed)
        try:
            names = words_asked_for()
            if len(names) != 1:
                raise InvalidCommand(f"publish takes one recipe, not {', '.join(names)}")
            places = Places(recipe_of(names[0]).name)
            place = place_of(pos_args[0], here)
            with _alone():
                result = verify_directory(places.release, allowed)
                if result.problems:
                    print(readable(as_text(result)))
                    return 1
                if allowed and wanted:
                    words = require_rebuilds_of(places.release, wanted, allowed)
                    print(f"built again, with the same bytes: {', '.join(word.who for word in words.good)}", flush=True)
                outcome = publish(places.release, place, say=lambda line: print(line, flush=True))
                note_published(places.published, outcome.row.release_id, place.url, outcome.row.sha512)
        except GlassmasterError as error:
            print(error)
            return 1
        except OSError as error:
            print(f"publish: {error}")
            return 1
        row = outcome.row
        print(
            f"{outcome.url}: {outcome.uploaded} files, published"
            if outcome.uploaded
            else f"{outcome.url}: it was there"
        )
        print(f"SHA-512 of its SHA512: {row.sha512}")
        latest = f"{place.url}/{row.recipe}/latest"
        print(f"{latest}: {row.release_id}" if outcome.latest else f"{latest}: names a later release, and stays")
        return 0


def _rebuilds_wanted(allowed: Path | None) -> int:
    """How many others have to have built the same: `rebuilds=`."""
    word = str(get_var("rebuilds", "0"))
    if not (word.isascii() and word.isdigit()):
        raise InvalidCommand(f"rebuilds={word}: expected a number")
    if int(word) and allowed is None:
        raise InvalidCommand(f"rebuilds={word}: signers=FILE must say whose word counts")
    return int(word)


@contextmanager
def _alone() -> Iterator[None]:
    """No other doit makes a release here meanwhile: within the block this one has the lock of doit's state."""
    from glassmaster.doit_plugins.lock import NO_WAIT, StateLock
    from glassmaster.release.source import STATE

    lock = StateLock(Path(STATE))
    lock.acquire(wait=os.environ.get(NO_WAIT, "0") in ("", "0"))
    try:
        yield
    finally:
        lock.release()
