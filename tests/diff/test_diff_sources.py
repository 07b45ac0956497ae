"""Releases in every form, ours and others', and any mix of them; and what is none."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.atomic import write_text
from glassmaster.diff.contents import DiscContents
from glassmaster.diff.latest import latest_path, latest_url
from glassmaster.diff.opening import recipe_here, wanted
from glassmaster.diff.spec import parse_spec
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import format_checksums
from tests.diff.conftest import EPOCH, HEADER, RC_CONF, Pairs, World, fill, items, opened, result


def test_any_mix_of_forms_is_the_same(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: None)
    release, bare = old.release(), new.disc()
    forms = [release, release / "dom0.iso", release / "dom0.mtree", bare]
    for one in forms:
        for other in forms:
            assert result(one, other).verdict.outcome == "same", (one, other)


def test_a_form_says_what_it_knows(pairs: Pairs) -> None:
    old, _ = pairs.worlds(lambda world: None)
    release = old.release()
    sides = {name: opened(path).side for name, path in {
        "release": release, "iso": release / "dom0.iso", "mtree": release / "dom0.mtree",
    }.items()}  # fmt: skip
    assert [side.form for side in sides.values()] == ["release", "iso", "mtree"]
    assert {side.release_id for side in sides.values()} == {"0123456789ab"}
    assert [side.bytes_known for side in sides.values()] == [True, True, False]
    assert sides["release"].title == "racks" and sides["release"].image_size > 0 == sides["mtree"].image_size


def test_without_bytes_meanings_say_so(pairs: Pairs) -> None:
    def change(world: World) -> None:
        world.file("set:etc", "etc/rc.conf", RC_CONF.replace("sshd=NO", "sshd=YES"))
        world.file("set:etc", "etc/master.passwd", "root::0:0::0:0::/root:/bin/sh\n", 0o600)
        world.file("kernel:DOM0", "netbsd", b"another", 0o4555)

    old, new = pairs.worlds(change)
    found = result(old.release(), new.release() / "dom0.mtree")
    said = {section.name: section for section in found.tree.sections}
    for name in ("rc", "accounts", "etc", "elf"):
        assert "dom0.mtree" in said[name].remarks[-1]
    assert "dom0.mtree" in items(found, "kernel")[0].detail
    # What modes say needs no bytes; and what nobody can rule out counts.
    assert [(item.what, item.rule) for item in items(found, "security")] == [
        ("/netbsd", "setuid"), ("/etc/rc.d", "listener"), ("/etc/master.passwd", "accounts"),
    ]  # fmt: skip
    assert {item.grade for item in found.tree.changes} == {"unknown"}
    assert {decision.rule for decision in found.verdict.open} == {"setuid", "listener", "accounts", "kernel-root"}


def test_a_disc_that_is_not_what_is_beside_it_is_read_itself(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: world.file("set:base", "bin/cat", "another\n", 0o555))
    first, second = old.release(), new.release()
    shutil.copy(second / "dom0.iso", first / "dom0.iso")
    found = result(second, first)
    assert found.verdict.outcome == "same"
    assert opened(first).side.recipe == "", "the description beside it is of another disc"


def test_the_same_tree_in_another_image(pairs: Pairs) -> None:
    old, new = pairs.worlds(lambda world: None)
    first, second = old.disc(), new.disc()
    with second.open("r+b") as stream:
        stream.seek(100)
        stream.write(b"boot code")
    found = result(first, second)
    assert found.tree.changes == () and [item.what for item in items(found, "boot")] == ["outside of the files"]
    assert found.verdict.exit_status == 1


def test_a_handed_over_release_is_described_by_its_checksums(pairs: Pairs) -> None:
    release = pairs.worlds(lambda world: None)[0].release()
    (release / "dom0.json").unlink()
    digests = {name: hashlib.sha512((release / name).read_bytes()).hexdigest() for name in ("dom0.iso", "dom0.mtree")}
    write_text(release / "SHA512", format_checksums("SHA512", digests))
    assert opened(release).side.recipe == "racks"
    write_text(release / "SHA512", format_checksums("SHA512", {**digests, "dom0.mtree": "0" * 128}))
    assert opened(release).side.recipe == ""


# --- discs from elsewhere


def host_tree(folder: Path) -> Path:
    """A directory as an installation disc of NetBSD is: sets' manifests, packages, hard links."""
    (folder / "etc/mtree").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "usr/pkg/pkgdb/git-2.43.0").mkdir(parents=True)
    (folder / "usr/pkg/bin").mkdir(parents=True)
    files = {"bin/cat": b"cat\n", "bin/ls": b"ls\n", "etc/rc.conf": b"rc_configured=NO\n"}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "bin/dir").hardlink_to(folder / "bin/ls")
    (folder / "link").symlink_to("bin/cat")
    lines = [
        f"./{name} type=file uname=root mode=0555 size={len(data)} sha256={hashlib.sha256(data).hexdigest()}"
        for name, data in files.items()
    ]
    (folder / "etc/mtree/set.base").write_text("".join(f"{line}\n" for line in lines))
    (folder / "usr/pkg/bin/git").write_bytes(b"git\n")
    (folder / "usr/pkg/pkgdb/git-2.43.0/+CONTENTS").write_text("@name git-2.43.0\n@cwd /usr/pkg\nbin/git\n")
    return folder


Maker = Callable[[Path, Path], None]


def xorriso(folder: Path, target: Path) -> None:
    """By libisofs."""
    command = ["xorriso", "-as", "mkisofs", "-R", "-J", "-quiet", "-o", str(target), str(folder)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def genisoimage(folder: Path, target: Path) -> None:
    """By cdrkit, whose deep directories and names are others."""
    subprocess.run(["genisoimage", "-R", "-quiet", "-o", target, folder], check=True, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("make", [xorriso, genisoimage])
def test_a_foreign_disc(tmp_path: Path, make: Maker) -> None:
    one, other = host_tree(tmp_path / "one"), host_tree(tmp_path / "other")
    (other / "bin/cat").write_bytes(b"CAT\n")
    (other / "usr/pkg/bin/git").write_bytes(b"GIT\n")
    (other / "own").write_bytes(b"mine\n")
    make(one, tmp_path / "one.iso")
    make(other, tmp_path / "other.iso")
    found = result(tmp_path / "one.iso", tmp_path / "other.iso")
    content = {change.path: change.new.origin for change in found.tree.changes if not change.only_time and change.new}
    assert content == {"bin/cat": "altered:base", "usr/pkg/bin/git": "package:git-2.43.0", "own": ""}
    source = opened(tmp_path / "one.iso")
    assert source.states["bin/ls"].origin == source.states["bin/cat"].origin == "set:base"
    assert source.states["link"].link == "bin/cat"
    assert source.states["bin/dir"].sha256 == source.states["bin/ls"].sha256 != ""


@pytest.mark.parametrize("make", [xorriso, genisoimage])
def test_ours_against_a_foreign_disc(pairs: Pairs, make: Maker) -> None:
    old, _ = pairs.worlds(lambda world: None)
    make(host_tree(pairs.folder / "tree"), pairs.folder / "other.iso")
    found = result(old.release(), pairs.folder / "other.iso")
    assert {change.change for change in found.tree.changes} >= {"added", "removed", "changed"}


def test_bytes_by_any_name_of_a_file(tmp_path: Path) -> None:
    xorriso(host_tree(tmp_path / "tree"), tmp_path / "one.iso")
    contents = DiscContents(tmp_path / "one.iso")
    for names in (["bin/dir"], ["bin/ls"], ["bin/dir", "bin/ls"], ["bin/ls", "bin/cat", "bin/dir"]):
        assert dict(contents.each(names)) == {name: b"cat\n" if name == "bin/cat" else b"ls\n" for name in names}


# --- what is no release


def test_what_a_word_means(pairs: Pairs, tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match="no such file or directory"):
        wanted("./nothing", tmp_path, tmp_path)
    with pytest.raises(GlassmasterError, match="no recipe 'nothing'"):
        wanted("nothing", tmp_path, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(GlassmasterError, match="no release is in this directory"):
        opened(tmp_path / "empty")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(GlassmasterError, match="neither a disc"):
        opened(tmp_path / "text")
    (tmp_path / "image.gz").write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(GlassmasterError) as refused:
        opened(tmp_path / "image.gz")
    assert "unpacked first" in refused.value.hint


def test_a_foreign_specification_tells_what_it_can() -> None:
    text = f"./bin type=dir mode=755\n./bin/cat type=file uname=root size=3 sha256digest={'AB' * 32}\n./tty type=char\n"
    spec = parse_spec(text, "x")
    assert spec.states["bin/cat"].sha256 == "ab" * 32 and spec.states["tty"].kind == "special"
    assert spec.unknown == {"mode", "uid", "gid", "mtime", "names"}
    with pytest.raises(GlassmasterError, match="x:1: a: type=nonsense"):
        parse_spec("./a type=nonsense\n", "x")


@pytest.mark.parametrize("digest", ["/tmp/x", "ab", "ab" * 31 + "..", "ab" * 33, "../" * 21 + "x"])
def test_a_digest_is_64_digits(digest: str) -> None:
    line = f"./a type=file mode=0644 uid=0 gid=0 size=1 time=0.0 sha256={digest} tags=origin:set\\072base\n"
    for header in ("", f"# {HEADER}\n"):
        with pytest.raises(GlassmasterError, match="expected 64 hexadecimal digits"):
            parse_spec(header + line, "x")


def test_the_name_of_a_recipe_is_no_path() -> None:
    line = "./a type=dir mode=0644 uid=0 gid=0 time=0.0\n"
    assert parse_spec(f"# glassmaster recipe racks, release 0123456789ab\n{line}", "x").recipe == "racks"
    for name in ("/tmp/rules.yaml", "../rules", "a/b"):
        assert parse_spec(f"# glassmaster recipe {name}, release 0123456789ab\n{line}", "x").recipe == ""


def test_only_recipes_of_this_repository_have_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    for path in (tmp_path / "recipes/mine.yaml", tmp_path / "other.yaml"):
        shutil.copy("recipes/standin.yaml", path)
    monkeypatch.chdir(tmp_path)
    assert recipe_here("mine") is not None
    assert [recipe_here(name) for name in ("other.yaml", "./other", f"{tmp_path}/other", "none")] == [None] * 4


@given(st.data())
def test_a_damaged_disc_is_an_error_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "damage"
    for name in ("base", "ffsroot"):
        good = folder / f"{name}.good"
        if not good.exists():
            folder.mkdir(exist_ok=True)
            fill(World(folder / "world")).image(folder / "made", name).rename(good)
        body = bytearray(good.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(0, len(body) - 1))
            body[at] = data.draw(st.integers(0, 255))
        if data.draw(st.booleans()):
            del body[data.draw(st.integers(0, len(body))) :]
        bad = folder / f"{name}.img"
        bad.write_bytes(body)
        try:
            source = opened(bad)
            dict(source.contents.each(list(source.states)))
        except GlassmasterError as error:
            assert str(bad) in str(error) or bad.name in str(error)


@given(st.binary(max_size=300))
def test_whatever_a_file_is_it_is_told(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "anything"
    path.write_bytes(body)
    try:
        opened(path)
    except GlassmasterError as error:
        assert str(error)


def test_times_do_not_matter_where_they_are_made(pairs: Pairs) -> None:
    old, new = pairs.worlds(
        lambda world: world.file("set:base", "bin/cat", "program bin/cat\n", 0o555, mtime=EPOCH - 50)
    )
    found = result(old.release(), new.release())
    assert found.tree.changes[0].only_time and found.tree.groups[-1].name
    (group,) = [group for group in found.tree.groups if group.metadata]
    assert (group.name, group.only_time, group.total) == ("set:base", 1, 0)


def test_latest_is_the_release_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("0123456789ab\n")
    base = tmp_path.as_uri()
    for word in ("latest", "latest/", "latest/index.html"):
        assert latest_url(f"{base}/{word}") == f"{base}/0123456789ab"
    assert latest_path(tmp_path / "latest") == tmp_path / "0123456789ab"
    assert latest_url(f"{base}/other/index.html") == f"{base}/other" and latest_path(tmp_path) == tmp_path
    (tmp_path / "0123456789ab").mkdir()
    (tmp_path / "0123456789ab/latest").mkdir()
    assert latest_path(tmp_path / "0123456789ab/latest") == tmp_path / "0123456789ab/latest"


@pytest.mark.parametrize("text", ["", "../../etc\n", "0123456789AB\n", "0123456789ab\nx", "0123456789abc\n", "\xff"])
def test_what_latest_cannot_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "latest").write_text(text)
    with pytest.raises(GlassmasterError, match="does not name a release"):
        latest_url(f"{tmp_path.as_uri()}/latest")
    with pytest.raises(GlassmasterError, match="does not name a release"):
        latest_path(tmp_path / "latest")
