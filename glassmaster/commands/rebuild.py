"""`doit rebuild DIR|URL`: somebody else's release, built again here, compared, and a signed statement about it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import PlainCommand
from glassmaster.places import caller_directory

if TYPE_CHECKING:
    from glassmaster.release.rebuild import Rebuilt


class Rebuild(PlainCommand):
    """doit's command."""

    name = "rebuild"
    doc_purpose = "build a published release again, say whether it is the same, sign a statement"
    doc_usage = "DIR|URL signers=FILE [who=NAME] [output=DIR]"
    doc_description = (
        "Verifies a release as `doit verify` does, takes its source.tar.gz and its lock into an empty directory, "
        "builds it there by the code that is in it, with nothing but downloads of the store, and compares every file. "
        "That code is the publisher's: signers=FILE, the allowed signers, says whose is trusted; unsigned=yes goes on "
        "without. With who=NAME and GLASSMASTER_SIGNING_KEY the result becomes an in-toto statement, NAME.json, with "
        "its signature, in output=DIR (the release's rebuilds/, or rebuilds/ here for a URL). "
        "Exit status: 0 identical, 1 not, 3 it could not be built."
    )
    examples = (
        "rebuild https://cd.example.org/racks/latest signers=signers who=me",
        "rebuild out/standin/release unsigned=yes",
    )

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Verify, build, compare, state."""
        from glassmaster.errors import GlassmasterError

        if len(pos_args) != 1:
            raise InvalidCommand("rebuild takes one release: `doit rebuild DIR|URL signers=FILE`")
        signers, who = str(get_var("signers", "") or ""), str(get_var("who", "") or "")
        if not signers and str(get_var("unsigned", "")) != "yes":
            raise InvalidCommand(
                "rebuild runs the code that comes with the release\n  signers=FILE says whose code may be run\n"
                "  unsigned=yes runs it whosever it is"
            )
        try:
            with _release(pos_args[0], caller_directory() / signers if signers else None) as folder:
                return _rebuilt(folder, pos_args[0], signers, who)
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        except OSError as error:
            raise InvalidCommand(f"{pos_args[0]}: {error}") from error


@contextmanager
def _release(word: str, signers: Path | None) -> Iterator[Path]:
    """The release's directory, brought here if it is elsewhere."""
    from glassmaster.diff.latest import latest_path
    from glassmaster.release.fetched import fetch_release, is_url

    if not is_url(word):
        yield latest_path(caller_directory() / word)
        return
    with tempfile.TemporaryDirectory(prefix="glassmaster-") as name:
        folder = Path(name) / "release"
        folder.mkdir()
        fetch_release(word, folder, signers)
        yield folder


def _rebuilt(folder: Path, word: str, signers: str, who: str) -> int:
    from glassmaster.errors import GlassmasterError
    from glassmaster.inputs.store import default_store
    from glassmaster.release.rebuild import rebuild
    from glassmaster.release.rebuilds import require_who
    from glassmaster.release.signing import signing_key
    from glassmaster.release.verify import verify_directory

    key = signing_key() if who and require_who(who) else None
    problems = verify_directory(folder, caller_directory() / signers if signers else None, word).problems
    if problems:
        raise GlassmasterError(f"{word}: not a good release, so it is not built", why="\n".join(problems))
    with tempfile.TemporaryDirectory(prefix="glassmaster-rebuild-") as name:
        print(f"{word}: good; building it again in {name}", flush=True)
        result = rebuild(folder, Path(name), default_store())
    _say(result)
    if key is None:
        print("no statement was written: that takes who=NAME, and a key in GLASSMASTER_SIGNING_KEY")
    else:
        print(f"stated and signed: {_state(result, folder, word, who, key)}")
    return int(not result.identical)


def _say(result: Rebuilt) -> None:
    width = max(len(item.name) for item in result.files)
    for item in result.files:
        if item.identical:
            print(f"{item.name:<{width}}  identical")
        else:
            how = "was not built here" if not item.rebuilt else "is not in the release" if not item.published else ""
            print(f"{item.name:<{width}}  {how or f'DIFFERENT: {item.published[:16]} there, {item.rebuilt[:16]} here'}")
    same = sum(item.identical for item in result.files)
    print(f"{result.recipe} {result.release_id}: {same} of {len(result.files)} files identical")


def _state(result: Rebuilt, folder: Path, word: str, who: str, key: Path) -> Path:
    from glassmaster.release.artefacts import PROVENANCE, REBUILDS, digest_of
    from glassmaster.release.fetched import is_url
    from glassmaster.release.rebuilds import statement, write_statement

    output = str(get_var("output", "") or "")
    place = (
        caller_directory() / output if output else caller_directory() / REBUILDS if is_url(word) else folder / REBUILDS
    )
    return write_statement(statement(result, digest_of(folder / PROVENANCE)), place, who, key)
