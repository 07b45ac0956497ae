"""A set to a layer: archive and manifest must agree."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts
from glassmaster.inputs.sets import release_accounts, set_layer
from glassmaster.inputs.store import Store
from glassmaster.inputs.tarindex import TarIndex, indexed, read_members
from glassmaster.tree.entry import Entry
from glassmaster.tree.layer import Layer
from glassmaster.tree.vis import vis

EPOCH = 1_000_000
ACCOUNTS = Accounts({"root": 0, "operator": 2}, {"wheel": 0, "operator": 5})
CAT = b"cat" * 10
SHA256 = hashlib.sha256(CAT).hexdigest()


@dataclass
class Draft:
    """A set in the making: its members, and its manifest's lines by the path that they begin with."""

    members: list[tuple[str, bytes, bytes, str]] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, kind: bytes, data: bytes, link: str, line: str) -> None:
        self.members.append((path, kind, data, link))
        self.lines["./" + vis(path)] = line

    def tar(self, *, manifest: bytes | None = None, name: str = "base", carried: bool = True) -> bytes:
        text = "".join(f"{path} {line}\n" for path, line in self.lines.items()).encode()
        own = (f"etc/mtree/set.{name}", tarfile.REGTYPE, text if manifest is None else manifest, "")
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for path, kind, data, link in [*self.members, *([own] if carried else [])]:
                info = tarfile.TarInfo("./" + path)
                info.type, info.size, info.linkname, info.mtime, info.mode = kind, len(data), link, 77, 0o444
                info.uname, info.gname = "root", "wheel"
                archive.addfile(info, io.BytesIO(data))
        return out.getvalue()


def draft() -> Draft:
    """One path of each kind, and nothing wrong with any."""
    made = Draft()
    own = "uname=root gname=wheel"
    made.add("bin", tarfile.DIRTYPE, b"", "", f"type=dir {own} mode=0755")
    made.add("bin/cat", tarfile.REGTYPE, CAT, "", f"type=file {own} mode=0555 size=30 sha256={SHA256}")
    made.add(
        "bin/[", tarfile.LNKTYPE, b"", "./bin/cat",
        f"type=file uname=operator gname=operator mode=04555 size=30 sha256={SHA256}",
    )  # fmt: skip
    made.add("bin/lion", tarfile.SYMTYPE, b"", "no such", f"type=link {own} mode=0755 link=no\\040such")
    made.lines["./etc/mtree/set.base"] = f"type=file {own} mode=0444"
    return made


def index_of(data: bytes, folder: str | Path) -> TarIndex:
    path = Path(folder) / "data.tar"
    path.write_bytes(data)
    return TarIndex(path, read_members(path, "base.tgz"))


def layer_of(
    made: Draft | bytes, name: str = "base", accounts: Accounts = ACCOUNTS, disagreeing: tuple[str, ...] = ()
) -> Layer:
    data = made.tar(name=name) if isinstance(made, Draft) else made
    with tempfile.TemporaryDirectory() as folder:
        return set_layer(name, index_of(data, folder), accounts, epoch=EPOCH, disagreeing=disagreeing)


def by_path(layer: Layer) -> dict[str, Entry]:
    return {entry.path: entry for entry in layer.entries}


def test_owner_group_and_mode_come_from_the_manifest_for_each_name() -> None:
    layer = layer_of(draft())
    entries = by_path(layer)
    assert layer.origin == "set:base"
    assert set(entries) == {"bin", "bin/cat", "bin/[", "bin/lion", "etc/mtree/set.base"}
    cat, bracket = entries["bin/cat"], entries["bin/["]
    assert (cat.mode, cat.uid, cat.gid, cat.mtime) == (0o555, 0, 0, 77)
    assert (bracket.mode, bracket.uid, bracket.gid) == (0o4555, 2, 5)
    assert cat.inode == bracket.inode == "bin/cat"
    assert cat.content == bracket.content
    assert entries["bin/lion"].link == "no such"
    assert entries["etc/mtree/set.base"].inode == ""


def test_all_of_many_names_have_one_inode() -> None:
    made = draft()
    made.add("bin/third", tarfile.LNKTYPE, b"", "./bin/[", "type=file uname=root gname=wheel mode=0555 size=30")
    assert {by_path(layer_of(made))[path].inode for path in ("bin/cat", "bin/[", "bin/third")} == {"bin/cat"}


def test_a_directory_that_only_the_manifest_has_is_made() -> None:
    made = draft()
    made.lines["./var"] = "type=dir uname=operator gname=wheel mode=0700"
    var = by_path(layer_of(made))["var"]
    assert (var.kind, var.mode, var.uid, var.mtime) == ("dir", 0o700, 2, EPOCH)


def test_the_root_is_not_the_sets() -> None:
    made = draft()
    made.members.insert(0, ("", tarfile.DIRTYPE, b"", ""))
    made.lines["."] = "type=dir uname=root gname=wheel mode=0700"
    assert "." not in by_path(layer_of(made))


def test_a_line_twice_is_once_unless_it_differs() -> None:
    made = draft()
    text = "".join(f"{path} {line}\n" for path, line in made.lines.items())
    line = "./bin type=dir uname=root gname=wheel mode=0755\n"
    assert len(layer_of(made.tar(manifest=(text + line).encode())).entries) == 5
    other = made.tar(manifest=(text + line.replace("0755", "0700")).encode())
    with pytest.raises(GlassmasterError, match=r"set\.base:6: bin: listed twice, and differently") as caught:
        layer_of(other)
    assert "set.base:1" in caught.value.why


@pytest.mark.parametrize(
    ("path", "old", "new", "why"),
    [
        ("bin/cat", "size=30", "size=31", "size: the manifest says 31, the archive has 30"),
        ("bin/cat", SHA256, "0" * 64, f"sha256: the manifest says {'0' * 64}, the archive has {SHA256}"),
        ("bin/cat", "type=file", "type=dir", "the manifest says it is a dir, the archive has a file"),
        ("bin/lion", "type=link", "type=file", "the manifest says it is a file, the archive has a link"),
        ("bin", "type=dir", "type=link", "the manifest says it is a link, the archive has a dir"),
        ("bin/lion", "no\\040such", "other", "link leads to other, the archive's to no such"),
        ("bin/\\133", "size=30", "size=0", "size: the manifest says 0"),
    ],
)
def test_disagreements_name_the_path(path: str, old: str, new: str, why: str) -> None:
    made = draft()
    made.lines[f"./{path}"] = made.lines[f"./{path}"].replace(old, new)
    with pytest.raises(GlassmasterError) as caught:
        layer_of(made)
    assert caught.value.what == f"set base: {path.replace(chr(92) + '133', '[')}: archive and manifest disagree"
    assert why in caught.value.why


def test_what_one_side_lacks() -> None:
    made = draft()
    del made.lines["./bin/cat"]
    made.lines["./bin/dog"] = "type=file uname=root gname=wheel mode=0555"
    with pytest.raises(GlassmasterError, match="set base: bin/cat: archive and manifest disagree") as caught:
        layer_of(made)
    assert caught.value.why.splitlines() == [
        "bin/cat: is in the archive, not in the manifest", "bin/dog: is in the manifest, not in the archive",
    ]  # fmt: skip


def test_many_disagreements_are_counted() -> None:
    made = draft()
    for number in range(30):
        made.lines[f"./gone{number:02d}"] = "type=file uname=root gname=wheel mode=0555"
    with pytest.raises(GlassmasterError) as caught:
        layer_of(made)
    assert caught.value.why.splitlines()[-1] == "and 10 more"


def test_a_known_disagreement_takes_the_archives_bytes() -> None:
    made = draft()
    made.lines["./bin/cat"] = made.lines["./bin/cat"].replace("size=30", "size=31").replace(SHA256, "0" * 64)
    content = by_path(layer_of(made, disagreeing=("bin/cat",)))["bin/cat"].content
    assert content is not None
    assert (content.size, content.sha256) == (30, SHA256)
    made.lines["./bin/cat"] = made.lines["./bin/cat"].replace("type=file", "type=dir")
    with pytest.raises(GlassmasterError, match="bin/cat: archive and manifest disagree"):
        layer_of(made, disagreeing=("bin/cat",))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("uname=root", "uname=nobody", "set base: bin/cat: unknown user 'nobody'"),
        ("uname=root", "", "set base: bin/cat: unknown user ''"),
        ("gname=wheel", "gname=nobody", "set base: bin/cat: unknown group 'nobody'"),
        ("mode=0555", "mode=9", "bin/cat: mode=9: expected an octal mode"),
        ("mode=0555", "mode=10000", "bin/cat: mode=10000: expected an octal mode"),
        ("mode=0555", "", "bin/cat: mode=(none): expected an octal mode"),
        ("type=file", "type=char", "bin/cat: type=char cannot be put on an image"),
        ("type=file", "", "bin/cat: type=(none) cannot be put on an image"),
    ],
)
def test_a_line_that_cannot_be_used(old: str, new: str, what: str) -> None:
    made = draft()
    made.lines["./bin/cat"] = made.lines["./bin/cat"].replace(old, new)
    with pytest.raises(GlassmasterError) as caught:
        layer_of(made)
    assert what in caught.value.what


@pytest.mark.parametrize("name", [b"./bin/\\777", b"./bin/caf\xe9", b"../x", b"/etc/passwd"])
def test_names_of_a_manifest(name: bytes) -> None:
    data = draft().tar(manifest=name + b" type=file\n")
    with pytest.raises(GlassmasterError, match=r"set base: etc/mtree/set\.base:1: "):
        layer_of(data)


def test_a_set_without_manifest() -> None:
    with pytest.raises(GlassmasterError, match="the set base has no manifest") as caught:
        layer_of(draft().tar(carried=False))
    assert "etc/mtree/set.base is not in the archive" in caught.value.why


def test_a_kernel_set_needs_none() -> None:
    entries = by_path(layer_of(draft().tar(carried=False), "kern-GENERIC"))
    assert set(entries) == {"bin", "bin/cat", "bin/[", "bin/lion"}
    assert entries["bin/cat"].mode == 0o444
    with pytest.raises(GlassmasterError, match="set kern-GENERIC: bin: unknown user 'root'"):
        layer_of(draft().tar(carried=False), "kern-GENERIC", Accounts({}, {}))


def test_accounts_of_a_release(tmp_path: Path) -> None:
    made = Draft()
    made.add("etc/master.passwd", tarfile.REGTYPE, b"root:*:0:0::0:0:\xe9:/:/bin/sh\n", "", "")
    with pytest.raises(GlassmasterError, match="the set `etc` has no etc/group"):
        release_accounts(index_of(made.tar(), tmp_path))
    made.add("etc/group", tarfile.REGTYPE, b"wheel:*:0:\n", "", "")
    assert release_accounts(index_of(made.tar(), tmp_path)) == Accounts({"root": 0}, {"wheel": 0})


def test_a_layer_points_into_the_store(store: Store) -> None:
    sha512 = store.add([draft().tar()], what="x").sha512
    layer = set_layer("base", indexed(sha512, "base.tgz", store), ACCOUNTS, epoch=EPOCH)
    content = by_path(layer)["bin/["].content
    assert content is not None
    assert content.blob.is_relative_to(store.root)
    assert content.blob.read_bytes()[content.offset :][: content.size] == CAT


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 90
)
FILES = st.dictionaries(NAMES, st.tuples(st.binary(max_size=20), st.integers(0, 0o7777)), max_size=8)


@given(FILES, st.dictionaries(NAMES, NAMES, max_size=4))
def test_generated_sets(files: dict[str, tuple[bytes, int]], links: dict[str, str]) -> None:
    made = Draft()
    made.lines["./etc/mtree/set.base"] = "type=file uname=root gname=wheel mode=0444"
    for name, (data, mode) in files.items():
        digest = hashlib.sha256(data).hexdigest()
        line = f"type=file uname=operator gname=wheel mode={mode:04o} size={len(data)} sha256={digest}"
        made.add(f"f/{name}", tarfile.REGTYPE, data, "", line)
    for name, target in links.items():
        line = f"type=link uname=root gname=wheel mode=0755 link={vis(target)}"
        made.add(f"l/{name}", tarfile.SYMTYPE, b"", target, line)
    entries = by_path(layer_of(made))
    assert len(entries) == len(files) + len(links) + 1
    for name, (data, mode) in files.items():
        entry = entries[f"f/{name}"]
        assert entry.content is not None
        assert (entry.mode, entry.uid, entry.content.sha256) == (mode, 2, hashlib.sha256(data).hexdigest())
    assert {path[2:]: entry.link for path, entry in entries.items() if entry.kind == "link"} == links
