"""Password hashes are never shown, in no form."""

from __future__ import annotations

import pytest

from glassmaster.diff.details import details
from glassmaster.diff.markdown import markdown
from glassmaster.diff.meanings.texts import without_hashes
from glassmaster.diff.model import dumps
from glassmaster.diff.page import page
from glassmaster.diff.releases import Terms, compare_releases
from glassmaster.diff.terminal import section
from tests.diff.conftest import PASSWD, Pairs, World, items, opened


def test_a_hash_is_never_shown(pairs: Pairs) -> None:
    def change(world: World) -> None:
        world.file("set:etc", "etc/master.passwd", PASSWD.replace("$sha1$1$x", "$sha1$1$secret"), 0o600)

    found = pairs.compare(change)
    for text in (dumps(found), markdown(found), section(found, "all")):
        assert "secret" not in text and "$sha1$1$x" not in text
    diff = next(item.detail for item in items(found, "etc") if item.what == "/etc/master.passwd")
    assert "-root:(hash):0:0" in diff and "+root:(another hash):0:0" in diff


HASHES = (
    "$2b$10$secret", "*LOCKED*$2b$10$secret", "!$argon2id$v=19$m=64,t=3,p=1$secret", "*secretDES0123", "!secret",
    "secret", "_J9..secret", "*$sha1$secret", "$sha1$24000$secret$x",
)  # fmt: skip
KEPT = ("*", "*************", "!", "!!", "x", "*LOCKED*", "")


@pytest.mark.parametrize("path", ["etc/master.passwd", "etc/master.passwd.bak", "etc/group", "usr/pkg/etc/passwd"])
def test_no_hash_is_shown_whatever_it_begins_with(pairs: Pairs, path: str) -> None:
    def lines(hashes: tuple[str, ...]) -> str:
        return "".join(f"user{number}:{text}:{number}:5::0:0:Name:/:/bin/sh\n" for number, text in enumerate(hashes))

    def change(world: World) -> None:
        # Locked, unlocked, new, and in a line that is broken off.
        world.file("set:etc", path, lines((*HASHES[::-1], *KEPT)) + "more:$2b$10$secret\nlast:$2b$10$secret", 0o600)

    old, new = pairs.worlds(change)
    old.file("set:etc", path, lines((*HASHES, *KEPT)), 0o600)
    sides = [opened(world.release()) for world in (old, new)]
    found = compare_releases(sides[0], sides[1], Terms(), pairs.folder)
    text = details(sides[0], sides[1], path, pairs.folder)
    for said in (dumps(found), markdown(found), section(found, "all"), page(found), text):
        assert "secret" not in said
    assert "+user0:(another hash):0:" in text and " user4:(hash):4:" in text and "+last:(hash)\n" in text
    assert without_hashes(path, lines(KEPT), lines(KEPT)) == (lines(KEPT), lines(KEPT))


def test_hashes_in_other_files_are_not_shown(pairs: Pairs) -> None:
    def text(salt: str) -> str:
        return (
            f"user = root # $2b$10${salt}secret\nroot:$apr1$x$secret\nset password_pbkdf2 grub.pbkdf2.sha512.1.{salt}\n"
            f"price = $5 and ${{HOME}} $1\nsalt={salt}\n"
        )

    old, new = pairs.worlds(lambda world: world.file("set:etc", "etc/own.conf", text("new")))
    old.file("set:etc", "etc/own.conf", text("old"))
    sides = [opened(world.release()) for world in (old, new)]
    found = compare_releases(sides[0], sides[1], Terms(), pairs.folder)
    shown = details(sides[0], sides[1], "etc/own.conf", pairs.folder)
    for said in (dumps(found), markdown(found), page(found), shown):
        assert "secret" not in said and "sha512.1" not in said
    assert "-user = root # (hash)\n+user = root # (another hash)\n" in shown.replace(
        "\n-set password_pbkdf2 (hash)", ""
    )
    assert " root:(hash)\n" in shown and " price = $5 and ${HOME} $1\n" in shown


def test_bytes_with_hashes_or_a_tree_inside_are_not_explained(pairs: Pairs) -> None:
    def guest(word: str) -> World:
        world = World(pairs.folder / f"guest-{word}")
        world.file("set:etc", "etc/master.passwd", f"root:$2b$10$secret{word}:0:0::0:0::/root:/bin/sh\n", 0o600)
        return world

    def fill_side(world: World, word: str) -> None:
        world.file("set:etc", "etc/spwd.db", f"\0db $2b$10$secret{word}", 0o600)
        world.file("set:etc", "etc/master.passwd", f"\0 root:$2b$10$secret{word}:0:0:", 0o600)
        world.file("set:etc", "etc/blob", f"\0 $2b$10$secret{word}", 0o600)
        world.images["base"] = guest(word)

    old, new = pairs.worlds(lambda world: fill_side(world, "new"))
    fill_side(old, "old")
    sides = [opened(world.release()) for world in (old, new)]
    for path in ("etc/spwd.db", "etc/master.passwd", "etc/blob", "images/base.img"):
        text = details(sides[0], sides[1], path, pairs.folder)
        assert "secret" not in text and f"/{path}: changed" in text, path
    assert "/images/base.img/PATH" in details(sides[0], sides[1], "images/base.img", pairs.folder)
