"""Making a configuration tree: a Subversion repository with a worked example in it, and a checkout of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from glassmaster.config.example import FILES, LINKS
from glassmaster.errors import GlassmasterError
from glassmaster.run import Command, run

REPOSITORY, CHECKOUT = "repository", "checkout"
MESSAGE = "one host with one virtual machine, and the checklists"
# What is here will hold passwords and keys.
PRIVATE = 0o700


def create_command(repository: Path) -> Command:
    """Make an empty repository."""
    return Command(("svnadmin", "create", str(repository)))


def import_command(folder: Path, repository: Path) -> Command:
    """Put a directory into it, all of it, whatever the user's own settings leave out."""
    options = ("--quiet", "--non-interactive", "--no-ignore", "--no-auto-props", "-m", MESSAGE)
    return Command(("svn", "import", *options, str(folder), repository.absolute().as_uri()))


def checkout_command(repository: Path, folder: Path) -> Command:
    """Get a working copy."""
    return Command(("svn", "checkout", "--quiet", "--non-interactive", repository.absolute().as_uri(), str(folder)))


def make_config_tree(target: Path) -> Path:
    """Make `target` with the repository and a checkout, or nothing; returns the checkout.

    Raises GlassmasterError when `target` holds something or cannot be made.
    """
    temporary = target.with_name(f".{target.name}.partial")
    try:
        if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
            raise GlassmasterError(
                f"{target} is there already and not empty", hint="name a directory that is not there yet"
            )
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=PRIVATE, parents=True)
        try:
            _fill(temporary)
            # Over an empty directory that is allowed, over any other it fails.
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return _checked_out(target)
    except OSError as error:
        raise GlassmasterError(f"{target}: cannot be made", why=error.strerror or str(error)) from error


def write_example(folder: Path) -> None:
    """The files and links of the example."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, link in LINKS.items():
        (folder / name).symlink_to(link)


def _fill(folder: Path) -> None:
    example, repository = folder / "example", folder / REPOSITORY
    write_example(example)
    run(create_command(repository))
    run(import_command(example, repository))
    shutil.rmtree(example)


def _checked_out(target: Path) -> Path:
    """A working copy remembers where its repository is, so it is made when that is in its place."""
    try:
        run(checkout_command(target / REPOSITORY, target / CHECKOUT))
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target / CHECKOUT
