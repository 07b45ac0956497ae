"""Packages in a whole build: chosen, pinned, brought, installed, on the disc; and what stops it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glassmaster.checks.readback import read_iso
from glassmaster.places import Places
from glassmaster.taskfiles import blobs_exist
from glassmaster.tree.entry import Content, Entry
from glassmaster.tree.layer import Layer, write_layers

if TYPE_CHECKING:
    from tests.build.conftest import Clone

Ran = Callable[[str], list[str]]
MIRROR, REPOSITORY = "build/standin/mirror", "packages/amd64/standin-1_standin"
KEY = Path("glassmaster/inputs/standin/signed/key.asc")
INSTALLED = [
    "standin-mta-b-1.1", "standin-lib-1.2nb1", "standin-tool-2.0", "standin-daemon-4.1", "standin-suite-3.0",
    "standin-sudo-1.0", "standin-shell-5.0", "standin-exec-1.0",
]  # fmt: skip


def said(clone: Clone, *words: str, status: int = 0) -> str:
    result = clone.doit(*words)
    assert result.returncode == status, result.stdout
    assert "Traceback" not in result.stdout
    return result.stdout


def pkgset(clone: Clone, *packages: str, name: str = "mine") -> None:
    lines = "".join(f"  '{package}': wanted here\n" for package in packages)
    (clone.path / "pkgsets" / f"{name}.yaml").write_text(f"description: made by a test\npackages:\n{lines}")


def recipe(clone: Clone, *packages: str, more: str = "") -> str:
    """Let the stand-in have these packages; `more` are lines of its section `packages`. The word that names it."""
    pkgset(clone, *packages, name="standin-core")
    path = clone.path / "recipes" / "standin.yaml"
    lines = f"packages:\n  sets: [standin-core]\n  {more}\n\n"
    path.write_text(re.sub(r"packages:\n(  .*\n)+\n", lambda _: lines, path.read_text()))
    return "recipe=standin"


def lock(clone: Clone, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((clone.path / "recipes" / f"{name}.lock").read_bytes())
    return data


# ---- what is on the disc


def test_packages_are_on_the_disc_with_owners_and_modes(first_build: tuple[Clone, str]) -> None:
    clone, _ = first_build
    found = {item.path: item for item in read_iso(clone.out("dom0.iso"))}
    shown = {
        path: (found[path].kind, oct(found[path].mode), found[path].uid, found[path].gid)
        for path in (
            "usr/pkg/bin/standin-sudo", "usr/pkg/etc/standin-sudoers", "usr/pkg/etc/standin.conf", "var/standin",
            "etc/rc.d/standin", "usr/pkg/pkgdb/standin-suite-3.0/+CONTENTS", "usr/pkg/lib/libstandin.so.1",
            "etc/master.passwd", "usr/pkg/share/standin-tool/plugins",
        )
    }  # fmt: skip
    assert shown == {
        "usr/pkg/bin/standin-sudo": ("file", "0o4511", 0, 0),
        "usr/pkg/etc/standin-sudoers": ("file", "0o440", 0, 0),
        "usr/pkg/etc/standin.conf": ("file", "0o640", 0, 32000),
        "var/standin": ("dir", "0o750", 32000, 32000),
        "etc/rc.d/standin": ("file", "0o755", 0, 0),
        "usr/pkg/pkgdb/standin-suite-3.0/+CONTENTS": ("file", "0o644", 0, 0),
        "usr/pkg/lib/libstandin.so.1": ("link", "0o755", 0, 0),
        "etc/master.passwd": ("file", "0o600", 0, 0),
        "usr/pkg/share/standin-tool/plugins": ("dir", "0o755", 0, 0),
    }
    assert sorted(path.split("/")[3] for path in found if path.endswith("/+CONTENTS")) == sorted(INSTALLED)
    image = clone.out("dom0.iso").read_bytes()
    assert b"standin:*************:32000:32000::0:0:Stand-in daemon:/var/standin:/sbin/nologin\n" in image
    assert b"\nstandin:*:32000:\n" in image and b"/bin/csh\n/usr/pkg/bin/standin-shell\n" in image


def test_byte_compiled_python_is_valid_on_the_disc(first_build: tuple[Clone, str]) -> None:
    clone, _ = first_build
    found = {item.path: item for item in read_iso(clone.out("dom0.iso"))}
    source = found["usr/pkg/lib/python3.12/site-packages/standin.py"]
    # The time and size of its source that a byte-compiled file of Python 3.12 begins with.
    remembered = b"\xcb\r\r\n" + struct.pack("<III", 0, source.mtime, source.size)
    assert remembered in clone.out("dom0.iso").read_bytes()


def test_each_package_is_an_origin_of_its_own(first_build: tuple[Clone, str]) -> None:
    lines = first_build[0].out("dom0.mtree").read_text().splitlines()
    origins = {line.split(" ")[0]: line.rpartition("tags=origin:")[2] for line in lines if "tags=origin:" in line}
    assert origins["./usr/pkg/bin/standin-sudo"] == "package:standin-sudo-1.0"
    assert origins["./etc/group"].startswith("packages") and origins["./usr/pkg/pkgdb/pkgdb.byfile.db"] == "packages"


def test_the_lock_pins_packages_and_their_order(first_build: tuple[Clone, str]) -> None:
    clone, _ = first_build
    data = lock(clone, "standin")
    rows = data["packages"]["dom0"]
    assert [row["name"] for row in rows] == INSTALLED
    suite = rows[INSTALLED.index("standin-suite-3.0")]
    assert suite["wanted"] == ["standin-core standin-suite"] and suite["input"] == "packages/standin-suite-3.0.tgz"
    assert suite["needs"] == {
        "standin-daemon-[0-9]*": "standin-daemon-4.1", "standin-tool>=2": "standin-tool-2.0",
        "{standin-mta-a,standin-mta-b}>=1": "standin-mta-b-1.1",
    }  # fmt: skip
    assert rows[0]["wanted"] == []
    inputs = {row["name"]: row for row in data["inputs"] if row["kind"] == "package"}
    assert inputs.keys() == {row["input"] for row in rows}
    for row in inputs.values():
        file = clone.path / row["urls"][0].removeprefix("file:")
        content = file.read_bytes()
        assert (row["size"], row["sha512"]) == (len(content), hashlib.sha512(content).hexdigest())


@pytest.mark.slow
def test_overlays_see_the_packages_users_and_rc_scripts(built: Clone) -> None:
    overlay = built.path / "overlays" / "extra"
    (overlay / "etc").mkdir(parents=True)
    (overlay / "etc" / "rc.extra.j2").write_text(
        "{% for variable, value in packages_rc.items() %}\n{{ variable }}={{ value }} here\n{% endfor %}\n"
    )
    (built.path / "overlays" / "extra.mtree").write_text(
        "./etc/rc.extra type=file uname=standin gname=standin mode=0600\n"
    )
    built.recipe("extra", "overlays: [extra]\npackages: {services: [standin]}\n")
    said(built, "iso", "recipe=extra")
    (found,) = [item for item in read_iso(built.out("dom0.iso", "extra")) if item.path == "etc/rc.extra"]
    assert (found.uid, found.gid, oct(found.mode)) == (32000, 32000, "0o600")
    assert b"standin=YES here\n" in built.out("dom0.iso", "extra").read_bytes()
    # Without packages there is no such user, and no script.
    built.recipe("extra", "overlays: [extra]\npackages: ~\n")
    assert "unknown user 'standin'" in said(built, "iso", "recipe=extra", status=1)


def test_packages_services_are_off_in_rc_conf_unless_the_recipe_says_otherwise(
    first_build: tuple[Clone, str], built: Clone
) -> None:
    image = first_build[0].out("dom0.iso").read_bytes()
    assert b"\nstandin=NO\n" in image and b". /etc/defaults/packages.conf\n" in image
    word = recipe(built, "standin-daemon", more="services: [standin]")
    said(built, "iso", word)
    assert b"\nstandin=YES\n" in built.out("dom0.iso").read_bytes()
    message = said(built, "packages", recipe(built, "standin-daemon", more="services: [standin, standing]"), status=1)
    assert "packages.services: no package has an rc.d script 'standing'" in message
    assert "did you mean standin?" in message


def test_where_the_database_is(built: Clone) -> None:
    word = recipe(built, "standin-shell", more="database: /var/db/pkg")
    said(built, "mtree", word)
    text = built.out("dom0.mtree").read_text()
    assert "./var/db/pkg/standin-shell-5.0/+CONTENTS" in text and "./usr/pkg/pkgdb" not in text
    # The machine's own scripts look there, too.
    name = word.partition("=")[2]
    settings = (built.path / Places(name).blob("overlay-machine")).read_text(errors="replace")
    assert "\npkgdb='/var/db/pkg'\n" in settings


# ---- what stops the build


@pytest.mark.parametrize(
    ("packages", "message"),
    [
        (["standin-suite", "standin-rival"], "standin-rival-1.0 conflicts with standin-tool-[0-9]*"),
        (["standin-tool", "standin-newtool"], "standin-newtool-1.0 takes the place of standin-tool<3"),
        (["standin-tool<2", "standin-suite"], "standin-tool-2.0 and standin-tool-1.9 cannot both be in one image"),
        (["standin-sudoo"], "pkgsets/standin-core.yaml:3: no package matches standin-sudoo"),
    ],
)
def test_what_cannot_be_chosen(built: Clone, packages: list[str], message: str) -> None:
    assert message in said(built, "packages", recipe(built, *packages), status=1)


@pytest.mark.parametrize(
    ("packages", "message"),
    [
        (["standin-misordered"], "+COMMENT comes after +DESC; pkg_add refuses it, too"),
        (["standin-corrupt"], "it says MD5 "),
        (["standin-shortened"], "standin-shortened-1.0.tgz: "),
        (["standin-suite", "standin-clash"], "usr/pkg/bin/standin-tool: is a file of standin-tool-2.0, too"),
        (["standin-strange"], "@exec %D/bin/standin-strange --set-up"),
    ],
)
def test_what_cannot_be_installed(built: Clone, packages: list[str], message: str) -> None:
    assert message in said(built, "packages", recipe(built, *packages), status=1)


def test_a_command_that_is_known_harmless(built: Clone) -> None:
    said(built, "packages", recipe(built, "standin-strange", more="harmless: ['%D/bin/standin-strange --set-up']"))


def test_a_packages_own_code_stops_unless_somebody_looked_at_it(built: Clone) -> None:
    message = said(built, "packages", recipe(built, "standin-own"), status=1)
    assert "standin-own-1.0: code of its own in +INSTALL" in message
    assert "/usr/pkg/bin/standin-own --set-up" in message
    (digits,) = re.findall(r"standin-own: ([0-9a-f]{12})\b", message)
    said(built, "packages", recipe(built, "standin-own", more=f"own_code: {{standin-own: {digits}}}"))
    message = said(
        built, "packages", recipe(built, "standin-own", more="own_code: {standin-own: 0123456789ab}"), status=1
    )
    assert "it is not the code that the recipe knows" in message
    message = said(built, "list", recipe(built, "standin-own", more="own_code: {standin-own: yes}"), status=3)
    assert "expected the 12 hexadecimal digits that the build prints" in message


def test_a_user_without_a_recorded_number(built: Clone, steps_run: Ran) -> None:
    uids = built.path / "pkgsets" / "uids.yaml"
    good = uids.read_text()
    uids.write_text("# nothing\n")
    assert "the group standin has no recorded number" in said(built, "iso", status=1)
    uids.write_text(good.replace("32000", "31000"))
    assert list(dict.fromkeys(steps_run(said(built, "iso")))) == ["packages", "overlay", "mtree", "iso"]


@pytest.mark.slow
def test_signatures_where_the_recipe_gives_a_key(built: Clone) -> None:
    (built.path / "keys.asc").write_bytes(KEY.read_bytes())
    said(built, "packages", recipe(built, "standin-signed", more="key: keys.asc"))
    message = said(built, "packages", recipe(built, "standin-sudo", more="key: keys.asc"), status=1)
    assert "standin-sudo-1.0.tgz: it is not signed" in message
    message = said(built, "packages", recipe(built, "standin-signed", more="key: none.asc"), status=1)
    assert "none.asc: the key cannot be read" in message


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ("[standin-cor]", "no pkgset 'standin-cor'"),
        ("[standin-core, standin-core]", "packages.sets: twice: standin-core"),
        ("[broken]", "pkgsets/broken.yaml:1: packages: is missing"),
    ],
)
def test_mistakes_are_seen_before_any_task_starts(built: Clone, sets: str, message: str) -> None:
    (built.path / "pkgsets" / "broken.yaml").write_text("description: no packages\n")
    built.recipe("mine", f"packages: {{sets: {sets}}}\n")
    assert message in said(built, "list", "recipe=mine", status=3)


# ---- the lock of a recipe that is not the stand-in's


@pytest.fixture
def real(built: Clone) -> Clone:
    """The stand-in's files as the mirror and the repository of a recipe that is not the stand-in's."""
    mirror = (built.path / MIRROR).as_uri()
    built.recipe(
        "real",
        f"standin: ~\nrelease: {{trust: first-use, mirrors: ['{mirror}']}}\n"
        f"packages: {{repository: ['{mirror}/{REPOSITORY}'], sets: [mine]}}\n",
    )
    pkgset(built, "standin-suite", "standin-sudo")
    return built


@pytest.mark.slow
def test_a_changed_pkgset_needs_a_new_lock(real: Clone, steps_run: Ran) -> None:
    said(real, "iso", "recipe=real")
    assert {row["trust"] for row in lock(real, "real")["inputs"] if row["kind"] == "package"} == {"first-use"}
    assert steps_run(said(real, "iso", "recipe=real")) == []
    pkgset(real, "standin-suite", "standin-shell")
    message = said(real, "iso", "recipe=real", status=1)
    assert "recipes/real.lock: made for another state of the recipe" in message
    assert "pkgset mine: -standin-sudo +standin-shell" in message
    news = said(real, "lock", "recipe=real")
    assert "- packages/standin-sudo-1.0.tgz" in news and "+ packages/standin-shell-5.0.tgz" in news
    said(real, "iso", "recipe=real")
    assert "usr/pkg/bin/standin-sudo " not in real.out("dom0.mtree", "real").read_text()
    # A reworded reason asks for nothing else.
    file = real.path / "pkgsets" / "mine.yaml"
    file.write_text(file.read_text().replace("wanted here", "wanted very much"))
    assert steps_run(said(real, "iso", "recipe=real")) in ([], ["locked"])


@pytest.mark.slow
def test_other_reasons_for_the_same_packages_are_news_and_another_release(real: Clone) -> None:
    said(real, "iso", "recipe=real")
    before = json.loads(real.out("dom0.json", "real").read_bytes())["release_id"]
    pkgset(real, "standin-suite", "standin-sudo", "standin-tool")
    assert "~ the packages of dom0, their order or why they are there" in said(real, "lock", "recipe=real")
    said(real, "iso", "recipe=real")
    assert json.loads(real.out("dom0.json", "real").read_bytes())["release_id"] != before
    text = real.out("dom0.mtree", "real").read_text()
    assert "standin-lib-1.2nb1/+INSTALLED_INFO" in text and "standin-tool-2.0/+INSTALLED_INFO" not in text


@pytest.mark.slow
def test_built_again_without_the_repository(real: Clone) -> None:
    said(real, "iso", "recipe=real")
    first = real.out("dom0.iso", "real").read_bytes()
    # Kept away: the store has what the lock names.
    (real.path / MIRROR).rename(real.path / "elsewhere")
    shutil.rmtree(real.path / "build" / "real")
    shutil.rmtree(real.path / "out" / "real")
    said(real, "iso", "recipe=real", "locked=yes")
    assert real.out("dom0.iso", "real").read_bytes() == first


def test_a_package_that_has_changed_since_is_not_taken(real: Clone, tmp_path: Path) -> None:
    said(real, "lock", "recipe=real")
    file = real.path / MIRROR / REPOSITORY / "All" / "standin-sudo-1.0.tgz"
    file.write_bytes(file.read_bytes()[::-1])
    result = real.doit("fetch", "recipe=real", environment={"GLASSMASTER_STORE": str(tmp_path / "new store")})
    assert result.returncode == 1 and "packages/standin-sudo-1.0.tgz" in result.stdout


@pytest.mark.slow
def test_a_moving_repository_is_refused_unless_it_is_meant(real: Clone) -> None:
    (real.path / "10.0").symlink_to(f"{real.path}/{MIRROR}/{REPOSITORY}")
    text = (real.path / "recipes" / "real.yaml").read_text()
    moved = text.replace(f"{MIRROR}/{REPOSITORY}", "10.0")
    (real.path / "recipes" / "real.yaml").write_text(moved)
    message = said(real, "lock", "recipe=real", status=1)
    assert "10.0: leads to other packages every few months" in message and "moving: yes" in message
    (real.path / "recipes" / "real.yaml").write_text(moved.replace("sets: [mine]", "sets: [mine], moving: yes"))
    said(real, "packages", "recipe=real")


# ---- domUs


@pytest.mark.slow
def test_a_domu_has_packages_of_its_own(built: Clone, steps_run: Ran) -> None:
    pkgset(built, "standin-daemon", name="daemons")
    overlay = built.path / "overlays" / "inside"
    (overlay / "etc").mkdir(parents=True)
    (overlay / "etc" / "list.j2").write_text("{{ packages_rc | join(' ') }}={{ packages_rc.standin }} inside\n")
    (built.path / "overlays" / "inside.mtree").write_text("./etc/list type=file uname=standin\n")
    name = built.recipe(
        "guests",
        "packages: ~\noverlays: []\ndomus:\n"
        "  mail: {sets: [base, etc], packages: {sets: [daemons], services: [standin]}, overlays: [inside]}\n",
    )
    said(built, "iso", f"recipe={name}")
    assert lock(built, "guests")["packages"].keys() == {"domu:mail"}
    found = {item.path: item for item in read_iso(built.path / "out/guests/domu/mail.img")}
    assert (found["usr/pkg/sbin/standin-daemon"].kind, found["etc/list"].uid) == ("file", 32000)
    assert b"standin=YES inside\n" in (built.path / "out/guests/domu/mail.img").read_bytes()
    on_the_disc = {item.path for item in read_iso(built.out("dom0.iso", "guests"))}
    assert not [path for path in on_the_disc if path.startswith("usr/pkg/")]
    # Its pkgset is part of the lock's question; the stand-in's lock follows it.
    pkgset(built, "standin-shell", name="daemons")
    message = said(built, "iso", f"recipe={name}", status=1)
    assert "packages:guests:mail" in message and "no package has an rc.d script 'standin'" in message


def test_packages_whose_archives_left_the_store_are_installed_again(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    blob = tmp_path / "store" / "data.tar"
    blob.write_bytes(b"x")
    entries = (Entry("a", "file", 0o644, 0, 0, 1, content=Content(blob, 0, 1, "0" * 64)),)
    write_layers([Layer("package:a-1", entries), Layer("packages", ())], tmp_path / "build" / "packages.json")
    assert blobs_exist([tmp_path / "build" / "packages.json"])
    blob.unlink()
    assert not blobs_exist([tmp_path / "build" / "packages.json"])
