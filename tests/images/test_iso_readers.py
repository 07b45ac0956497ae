"""The ISO of a tree with every awkward thing, read by three programs that share no code with its writer."""

from __future__ import annotations

import datetime
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glassmaster.checks import readback
from glassmaster.images.iso import BootImages
from glassmaster.tree.entry import Entry
from glassmaster.tree.merge import Tree
from glassmaster.tree.mtree import format_mtree, listed, parse_mtree
from glassmaster.tree.vis import unvis

ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
LETTER = {"dir": "d", "file": "-", "link": "l"}
# isoinfo has room for less than this in its buffer for paths, and for three octal digits in its columns for owners.
ISOINFO_PATH, ISOINFO_OWNER = 250, 0o1000


@dataclass(frozen=True)
class Line:
    """What a listing says of a path; size of files only, day as printed."""

    letters: str
    uid: int
    gid: int
    size: int
    day: str
    link: str


def output(*argv: str | Path) -> str:
    return subprocess.run(
        argv, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout.decode()


def expected(entry: Entry) -> Line:
    letters = stat.filemode({"file": stat.S_IFREG, "dir": stat.S_IFDIR, "link": stat.S_IFLNK}[entry.kind] | entry.mode)
    moment = datetime.datetime.fromtimestamp(entry.mtime, datetime.UTC)
    return Line(letters, entry.uid, entry.gid, entry.size, f"{moment:%b} {moment.day} {moment:%Y}", entry.link)


def test_readback_agrees(awkward_tree: Tree, awkward_iso: Path) -> None:
    text = format_mtree(awkward_tree)
    result = readback.compare(parse_mtree(text, "dom0.mtree"), readback.read_iso(awkward_iso))
    assert result.differences == ()
    assert result.entries == len(awkward_tree) > 1500
    assert readback.compare((listed(node) for node in awkward_tree), readback.read_iso(awkward_iso)) == result


def test_bsdtar_agrees(awkward_tree: Tree, awkward_iso: Path) -> None:
    pattern = re.compile(r"(\S{10})\s+\d+ (\d+)\s+(\d+)\s+(\d+) (\w{3})\s+(\d+)\s+(\d{4}) (.*)")
    sizes: dict[str, int] = {}
    seen = {}
    for text in output("bsdtar", "--numeric-owner", "-tvf", awkward_iso).splitlines():
        match = pattern.fullmatch(text)
        assert match, text
        letters, uid, gid, size, month, day, year, name = match.groups()
        name, _, link = name.partition(" -> ") if letters[0] == "l" else (name, "", "")
        name, _, first = name.partition(" link to ")
        path = unvis(name)
        sizes[path] = sizes[unvis(first)] if first else int(size) if letters[0] == "-" else 0
        seen[path] = Line(letters, int(uid), int(gid), sizes[path], f"{month} {day} {year}", unvis(link))
    assert seen == {node.entry.path: expected(node.entry) for node in awkward_tree}


def test_xorriso_agrees(awkward_tree: Tree, awkward_iso: Path) -> None:
    text = output("xorriso", "-indev", awkward_iso, "-find", "/", "-exec", "lsdl")
    entry = r"[-dl][-rwxsStT]{9}"
    pattern = re.compile(
        rf"^({entry}) +\d+ (\d+) +(\d+) +(\d+) (\w{{3}}) +(\d+) +(\d{{4}}) ('/.*?)\n(?={entry} |\Z)", re.M | re.S
    )
    seen = {}
    for letters, uid, gid, size, month, day, year, rest in pattern.findall(text):
        name, _, link = rest.partition(" -> ")
        seen[_unquoted(name)[1:] or "."] = Line(
            letters, int(uid), int(gid), int(size), f"{month} {day} {year}", _unquoted(link)
        )
    assert seen == {node.entry.path: expected(node.entry) for node in awkward_tree}


def _unquoted(text: str) -> str:
    """A word of xorriso's: in single quotes, with '"'"' for a single quote in it."""
    return text.replace("'\"'\"'", "\0").replace("'", "").replace("\0", "'")


def test_isoinfo_agrees(awkward_tree: Tree, awkward_iso: Path) -> None:
    seen = dict(_isoinfo_lines(output("isoinfo", "-R", "-l", "-i", awkward_iso)))
    compared = 0
    for node in awkward_tree:
        entry = node.entry
        if len(entry.path.encode()) < ISOINFO_PATH and "\n" not in entry.path + entry.link:
            want, have = expected(entry), seen[entry.path]
            assert (have.letters, have.day) == (_isoinfo_letters(want.letters), want.day), entry.path
            assert have.link == want.link or (have.link, want.link) == ("", "/"), entry.path
            assert entry.kind == "dir" or have.size == want.size, entry.path
            if max(entry.uid, entry.gid) < ISOINFO_OWNER:
                assert (have.uid, have.gid) == (want.uid, want.gid), entry.path
            compared += 1
    assert compared > 0.98 * len(awkward_tree)


def _isoinfo_letters(letters: str) -> str:
    """As isoinfo shows a mode: it knows neither setuid, setgid nor sticky bits."""
    return letters.translate(str.maketrans("sStT", "x-x-"))


def _isoinfo_lines(text: str) -> Iterator[tuple[str, Line]]:
    pattern = re.compile(r"(\S{10})\s+\d+ (.*?) *(\d+) (\w{3}) +(\d+) (\d{4}) \[ *\d+ \d\d\]  (.*) ?")
    directory = ""
    for text_line in text.splitlines():
        if text_line.startswith("Directory listing of "):
            directory = text_line.removeprefix("Directory listing of /")
        match = pattern.fullmatch(text_line)
        if match:
            letters, owners, size, month, day, year, name = match.groups()
            name, _, link = name.partition(" -> ") if letters[0] == "l" else (name.removesuffix(" "), "", "")
            path = directory.rstrip("/") or "." if name == "." else directory + name
            uid, gid = (int(word, 8) for word in owners.split()) if len(owners.split()) == 2 else (-1, -1)
            if name != "..":
                yield path, Line(letters, uid, gid, int(size), f"{month} {day} {year}", link.removesuffix(" "))


def test_dot_and_dotdot_say_what_the_directory_says(awkward_tree: Tree, awkward_iso: Path) -> None:
    # A directory's attributes stand three times on the disc, and NetBSD looks at `.`; libarchive does not.
    text = output("isoinfo", "-R", "-l", "-i", awkward_iso)
    sections = re.findall(r"^Directory listing of /(.*)\n(.*)\n(.*)", text, re.M)
    assert len(sections) > 50
    for directory, dot, dotdot in sections:
        if len(directory.encode()) < ISOINFO_PATH:
            path = directory.rstrip("/") or "."
            above = path.rpartition("/")[0] or "."
            for text_line, there, name in ((dot, path, "."), (dotdot, above, "..")):
                letters = _isoinfo_letters(expected(awkward_tree[there].entry).letters)
                assert text_line.startswith(letters) and text_line.endswith(f"  {name} "), path


def test_link_counts(awkward_iso: Path) -> None:
    text = output("isoinfo", "-R", "-l", "-i", awkward_iso)
    counts = {name: int(count) for count, name in re.findall(r"^-[-rwx]{9} +(\d+) .*\]  (.*) $", text, re.M)}
    assert [counts[name] for name in ("one", "two", "three")] == [3, 3, 3]
    assert [counts[name] for name in ("test", "[", "0644", "0600", "same-1", "same-2")] == [2, 2, 1, 1, 1, 1]


def test_contents_extracted_by_xorriso_and_bsdtar(awkward_tree: Tree, awkward_iso: Path, tmp_path: Path) -> None:
    for name, argv in {
        "xorriso": ["xorriso", "-osirrox", "on:auto_chmod_on", "-indev", str(awkward_iso), "-extract", "/"],
        "bsdtar": ["bsdtar", "--no-same-owner", "-xf", str(awkward_iso), "-C"],
    }.items():
        top = tmp_path / name
        top.mkdir()
        output(*argv, top)
        assert _differences(awkward_tree, top) == []


def _differences(tree: Tree, top: Path) -> list[str]:
    """What an extracted tree has otherwise; opens it up as it goes down, so that everyone can read and delete it."""
    wrong = []
    for node in tree:
        entry, path = node.entry, top / node.entry.path
        if entry.kind == "dir":
            path.chmod(0o755)
        elif entry.kind == "link":
            if not path.is_symlink() or os.readlink(path) != entry.link:  # noqa: PTH115  # Path would drop ./
                wrong.append(entry.path)
        else:
            path.chmod(0o644)
            if not path.is_file() or readback.file_digest(path) != (entry.content.sha256 if entry.content else ""):
                wrong.append(entry.path)
    there = {str(path.relative_to(top)) for path in top.rglob("*")}
    return wrong + sorted(there ^ {node.entry.path for node in tree if node.entry.path != "."})


def test_equal_content_stands_once(awkward_tree: Tree, awkward_iso: Path) -> None:
    text = output("xorriso", "-indev", awkward_iso, "-find", "/", "-type", "f", "-exec", "report_lba")
    places: dict[str, set[str]] = {}
    digests = {node.entry.path: node.entry.content.sha256 for node in awkward_tree if node.entry.content}
    rows = re.findall(r"File data lba: +0 , +(\d+) , +\d+ , +(\d+) , '/(.*?)'\n(?=File|\Z)", text, re.S)
    for block, size, path in rows:
        if size != "0" and "'" not in path:
            places.setdefault(digests[path], set()).add(block)
    assert len(rows) > 1000
    assert {len(blocks) for blocks in places.values()} == {1}
    assert len({next(iter(blocks)) for blocks in places.values()}) == len(places)


def test_xorriso_finds_the_boot_images(awkward_iso: Path, boot: BootImages) -> None:
    text = output("xorriso", "-indev", awkward_iso, "-report_el_torito", "plain", "-report_system_area", "plain")
    images = re.findall(r"El Torito boot img : +(\d) +(\w+) +y +none +0x0000 +0x00 +(\d+) +(\d+)", text)
    (_, bios, load, core_block), (_, uefi, efi_sectors, efi_block) = images
    assert (bios, load, uefi, efi_sectors) == ("BIOS", "4", "UEFI", str(len(boot.efi) // 512))
    assert re.search(rf"MBR partition +: +1 +0x80 +0xef +{int(efi_block) * 4} +{len(boot.efi) // 512}\n", text)
    assert "System area summary: MBR grub2-mbr" in text
    assert len(re.findall("MBR partition  ", text)) == 1
    assert "GPT" not in text and "APM" not in text
    data = awkward_iso.read_bytes()
    assert data[int(efi_block) * 2048 :].startswith(boot.efi)
    core = data[int(core_block) * 2048 :][: len(boot.core)]
    assert all(core[part] == boot.core[part] for part in (slice(8), slice(64, 2548), slice(2556, None)))
