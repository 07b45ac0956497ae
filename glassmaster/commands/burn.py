"""`doit burn DEVICE`: the disc of a release onto CDs or a USB stick, each one read back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import Option, PlainCommand
from glassmaster.places import caller_directory

if TYPE_CHECKING:
    from glassmaster.release.device import Device

COPIES: Option = {
    "name": "copies", "long": "copies", "type": str, "default": "1", "metavar": "N",
    "help": "so many good ones, asking for the next disc or stick each time",
}  # fmt: skip
WIDTH = 30


class Burn(PlainCommand):
    """doit's command."""

    name = "burn"
    doc_purpose = "write the disc of a release to CDs or USB sticks, and read each one back"
    doc_usage = "DEVICE [recipe=NAME] [image=FILE]"
    doc_description = (
        "DEVICE is a drive with a disc that can be written (/dev/sr0, by xorriso) or a removable disk (/dev/sdb). "
        "Everything on it is lost. A disk that is mounted, not removable, too small, or a partition, is refused. "
        "Written is dom0.iso of out/RECIPE/release, after a look at its digest, or image=FILE; then it is read back "
        "and compared byte for byte. stdio:FILE is a file in the place of a drive; file:FILE one that exists "
        "in the place of a disk. Exit status: 0 all copies are good, 1 not all, 3 nothing was written."
    )
    examples = ("burn /dev/sr0", "burn /dev/sr0 --copies 100 recipe=racks", "burn /dev/sdb image=out/racks/dom0.iso")
    cmd_options = (COPIES,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Look at the image and the device, then write until there are enough good copies."""
        from glassmaster.errors import GlassmasterError
        from glassmaster.release.device import System, find_device, require_another, require_room

        if len(pos_args) != 1:
            raise InvalidCommand("burn takes one device: `doit burn /dev/sr0`")
        copies = opt_values["copies"]
        if not (copies.isascii() and copies.isdigit() and 0 < int(copies) < 10000):
            raise InvalidCommand(f"--copies {copies}: expected a number, 1 or more")
        try:
            image = wanted_image()
            device = find_device(_seen_from_caller(pos_args[0]), System())
            require_another(device, image)
            require_room(device, image.stat().st_size)
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        except OSError as error:
            raise InvalidCommand(f"burn: {error}") from error
        print(f"{image}, {image.stat().st_size:,} bytes, to {device.name} ({device.what})", flush=True)
        return _copies(image, device, int(copies))


def wanted_image() -> Path:
    """image=FILE, or the disc of the recipe's release, whose digest must be that of its list."""
    from glassmaster.commands.recipes import recipe_of, words_asked_for
    from glassmaster.errors import GlassmasterError
    from glassmaster.places import Places
    from glassmaster.release.artefacts import DIGESTS, ISO, digest_of
    from glassmaster.release.digestlist import read_list

    if named := get_var("image", None):
        path = caller_directory() / str(named)
        if not path.is_file():
            raise GlassmasterError(f"image={named}: there is no such file")
        return path
    words = words_asked_for()
    if len(words) != 1:
        raise GlassmasterError(f"burn takes one recipe, not {', '.join(words)}")
    release = Places(recipe_of(words[0]).name).release
    if not (release / DIGESTS).is_file():
        raise GlassmasterError(
            f"there is no release in {release}",
            hint=f"./doit release recipe={words[0]} makes it; image=FILE burns another image",
        )
    if digest_of(release / ISO).sha512 != read_list(release / DIGESTS).get(ISO):
        raise GlassmasterError(
            f"{release / ISO}: not the file that {DIGESTS} lists", hint=f"./doit release recipe={words[0]}"
        )
    return release / ISO


def _seen_from_caller(word: str) -> str:
    from glassmaster.places import near
    from glassmaster.release.device import FILE, STDIO

    here = caller_directory()
    prefix = next((prefix for prefix in (STDIO, FILE) if word.startswith(prefix)), "")
    return f"{prefix}{near(Path(os.path.normpath(here / word.removeprefix(prefix))))}"


def _copies(image: Path, device: Device, copies: int) -> int:
    from glassmaster.errors import GlassmasterError
    from glassmaster.release.burning import MachineError, eject

    good, bad = 0, 0
    while good < copies:
        if (good or bad) and not _next(good + 1, copies, device.name):
            break
        name = f"copy {good + 1} of {copies}"
        try:
            _write(image, device)
        except MachineError as error:
            print(f"\n{name}: STOPPED\n{error}", file=sys.stderr, flush=True)
            break
        except GlassmasterError as error:
            bad += 1
            more = copies > 1
            which = f", the one that was put in as number {good + bad}" if more else ""
            print(f"\n{name}: BAD{which}\n{error}", file=sys.stderr, flush=True)
            if not more:
                break
            if device.kind == "optical":
                eject(device)
            continue
        good += 1
        print(f"\n{name}: written, read back, the same", flush=True)
        if good < copies and device.kind == "optical":
            eject(device)
    print(f"{good} of {copies} good" + (f", {bad} bad" if bad else ""))
    return int(good < copies)


def _write(image: Path, device: Device) -> None:
    from glassmaster.release.burning import burn_disc, write_disk
    from glassmaster.release.device import System, find_device, require_room

    # Each time anew: another stick may have come in the place of the last one, another size, or mounted by a desktop.
    again = find_device(device.name, System())
    require_room(again, image.stat().st_size)
    (burn_disc if again.kind == "optical" else write_disk)(again, image, _tell)


def _next(number: int, copies: int, device: str) -> bool:
    print(
        f"put the next one into {device} and press Enter ({number} of {copies}); Ctrl-D ends it: ", end="", flush=True
    )
    return sys.stdin.readline() != ""


def _tell(what: str, done: float, total: float) -> None:
    """A bar on a terminal, nothing else anywhere."""
    if sys.stdout.isatty():
        share = min(done / total, 1.0) if total else 1.0
        bar = "#" * int(share * WIDTH)
        print(f"\r{what:<12} [{bar:<{WIDTH}}] {share:4.0%}", end="", flush=True)
