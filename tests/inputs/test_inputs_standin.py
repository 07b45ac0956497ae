"""The stand-in release, read by other people's programs: bsdtar, mtree, readelf, strings, sha512sum."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import libarchive
import pytest

from glassmaster.inputs.mirror import ReleaseMirror, set_file, take
from glassmaster.inputs.sets import release_accounts, set_layer
from glassmaster.inputs.standin import content
from glassmaster.inputs.standin.archive import write_set
from glassmaster.inputs.standin.kernel_build import SOURCES, compile_command, config_header, kernel_files
from glassmaster.inputs.standin.release import make_release
from glassmaster.inputs.store import Store
from glassmaster.inputs.tarindex import TarIndex, indexed, read_members
from glassmaster.tree.entry import Entry
from glassmaster.tree.mtreespec import parse

EPOCH = 1_700_000_000
SETS = ("base", "comp", "etc", "misc")
KERNEL_SETS = ("kern-XEN3_DOM0", "kern-XEN3_DOMU")


def run(*argv: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> str:
    """Another program's word."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(argv, input=stdin, cwd=cwd, env=environment, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


@pytest.fixture(scope="session")
def binary(release: Path) -> Path:
    return release / "NetBSD-standin-1" / "amd64" / "binary"


@pytest.fixture(scope="session")
def indexes(release: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, TarIndex]:
    """All sets, fetched from the release's mirror and indexed, by name."""
    store = Store(tmp_path_factory.mktemp("indexes"))
    mirror = ReleaseMirror([release.as_uri()], "standin-1")
    folder = "amd64/binary/sets"
    known = mirror.digests(folder)
    made = {}
    for name in (*SETS, *KERNEL_SETS):
        file = set_file(name, known, "SHA512")
        take(mirror.urls(f"{folder}/{file}"), known[file], store, file)
        made[name] = indexed(known[file], file, store)
    return made


@pytest.fixture(scope="session")
def entries(indexes: dict[str, TarIndex]) -> dict[str, dict[str, Entry]]:
    """The entries of all sets' layers, by set and path."""
    owners = release_accounts(indexes["etc"])
    return {
        name: {entry.path: entry for entry in set_layer(name, index, owners, epoch=EPOCH).entries}
        for name, index in indexes.items()
    }


def test_has_netbsds_layout(release: Path) -> None:
    assert set(digests(release)) == {
        "NetBSD-standin-1/README.files",
        *(f"NetBSD-standin-1/amd64/binary/sets/{name}" for name in (
            "base.tar.xz", "comp.tgz", "etc.tar.xz", "misc.tgz", "kern-XEN3_DOM0.tar.xz", "kern-XEN3_DOMU.tar.xz",
            "SHA512", "MD5",
        )),
        *(f"NetBSD-standin-1/amd64/binary/kernel/{name}" for name in (
            "netbsd-XEN3_DOM0.gz", "netbsd-XEN3_DOMU.gz", "SHA512", "MD5",
        )),
        "packages/amd64/standin-1_standin/SHA512.bz2",
        *(f"packages/amd64/standin-1_standin/All/pkg_summary.{ending}" for ending in ("bz2", "gz", "xz")),
        *(f"packages/amd64/standin-1_standin/All/{name}.tgz" for name in (
            "standin-clash-1.0", "standin-corrupt-1.0", "standin-daemon-4.1", "standin-exec-1.0", "standin-lib-1.2nb1",
            "standin-misordered-1.0", "standin-mta-a-1.0", "standin-mta-b-1.1", "standin-newtool-1.0",
            "standin-own-1.0", "standin-rival-1.0", "standin-shell-5.0", "standin-shortened-1.0", "standin-signed-1.0",
            "standin-strange-1.0", "standin-sudo-1.0", "standin-suite-3.0", "standin-tool-1.9", "standin-tool-2.0",
        )),
        *(f"NetBSD-standin-1/source/sets/{name}" for name in (
            "src.tgz", "syssrc.tgz", "gnusrc.tgz", "sharesrc.tgz", "SHA512", "MD5",
        )),
    }  # fmt: skip


MAKE = """
import os, sys, time
os.umask(int(sys.argv[2], 8))
from pathlib import Path
from glassmaster.inputs.standin.release import make_release
make_release(Path(sys.argv[1]), "standin-1", "amd64", epoch=1_700_000_000, files=20, size=20_000)
"""


def test_is_the_same_wherever_it_is_made(release: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "another ünï directory" / "mirror"
    environment = {
        **os.environ, "TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(Path(make_release.__code__.co_filename).parents[3]),
    }  # fmt: skip
    (tmp_path / "cwd").mkdir()
    command = [sys.executable, "-c", MAKE, str(mirror), "077"]
    subprocess.run(command, env=environment, cwd=tmp_path / "cwd", check=True)
    assert digests(mirror) == digests(release)


def test_made_over_an_older_one_lists_only_its_own(release: Path, tmp_path: Path) -> None:
    sets = tmp_path / "NetBSD-standin-1" / "amd64" / "binary" / "sets"
    sets.mkdir(parents=True)
    (sets / "left-over.tgz").write_bytes(b"of an older release")
    make_release(tmp_path, "standin-1", "amd64", epoch=EPOCH, files=20, size=20_000)
    (sets / "left-over.tgz").unlink()
    assert digests(tmp_path) == digests(release)


def test_says_that_it_is_not_netbsd(release: Path, indexes: dict[str, TarIndex]) -> None:
    notice = (release / "NetBSD-standin-1" / "README.files").read_text()
    assert "not NetBSD" in notice
    assert "stand-in" in notice
    motd = indexes["etc"].read("etc/motd")
    assert motd is not None
    assert b"stand-in release, not NetBSD" in motd
    for path, member in indexes["base"].members.items():
        if member.kind == "file" and member.mode & 0o111 and not path.startswith("rescue/"):
            body = indexes["base"].read(path) or b""
            assert b"stand-in release. It is not NetBSD" in body, path


def test_checksums(binary: Path) -> None:
    for folder in (binary / "sets", binary / "kernel", binary.parents[1] / "source" / "sets"):
        files = {path.name for path in folder.iterdir()} - {"SHA512", "MD5"}
        for program, sums in (("sha512sum", "SHA512"), ("md5sum", "MD5")):
            said = run(program, "--check", "--strict", sums, cwd=folder)
            assert {line.removesuffix(": OK") for line in said.splitlines()} == files
    digest = run("openssl", "dgst", "-sha512", "-r", binary / "sets" / "misc.tgz").split()[0]
    assert f"SHA512 (misc.tgz) = {digest}\n" in (binary / "sets" / "SHA512").read_text()


def test_compression_says_nothing_of_here_and_now(binary: Path) -> None:
    for path in (binary / "sets" / "misc.tgz", binary / "kernel" / "netbsd-XEN3_DOM0.gz"):
        # RFC 1952: flags (no name) and time, both 0, as `gzip -n` writes.
        assert path.read_bytes()[:8] == b"\x1f\x8b\x08" + bytes(5)


@pytest.mark.parametrize("name", SETS)
def test_libarchive_and_mtree_agree_with_the_layer(
    name: str, binary: Path, indexes: dict[str, TarIndex], entries: dict[str, dict[str, Entry]], tmp_path: Path
) -> None:
    owners = release_accounts(indexes["etc"])
    read = libarchives_view(next((binary / "sets").glob(f"{name}.t*")))
    for path, entry in entries[name].items():
        kind, size, sha256, link, user, group = read[path]
        assert (kind, link) == (entry.kind, entry.link), path
        assert (owners.users[user], owners.groups[group]) == (entry.uid, entry.gid), path
        if entry.content is not None:
            assert (size, sha256) == (entry.content.size, entry.content.sha256), path
    assert set(read) - {"."} == set(entries[name])
    # NetBSD's mtree, as Debian packages it, reads the manifest with the release's own accounts (-N).
    for file in ("master.passwd", "group"):
        (tmp_path / file).write_bytes(indexes["etc"].read(f"etc/{file}") or b"")
    manifest = indexes[name].read(f"etc/mtree/set.{name}") or b""
    said = run("mtree", "-C", "-N", tmp_path, "-k", "type,uid,gid,mode,size,sha256,link", stdin=manifest)
    lines = {line.path: line.keywords for line in parse(said, "mtree")}
    assert set(lines) - {"."} == set(entries[name])
    for path, entry in entries[name].items():
        words = lines[path]
        assert (words["type"], int(words["mode"], 8)) == (entry.kind, entry.mode), path
        assert (int(words["uid"]), int(words["gid"])) == (entry.uid, entry.gid), path
        if entry.content is not None and path != f"etc/mtree/set.{name}":
            assert (words["size"], words["sha256"]) == (str(entry.size), entry.content.sha256), path


def libarchives_view(archive: Path) -> dict[str, tuple[str, int, str, str, str, str]]:
    """Type, size, SHA-256, link target, user and group of an archive's paths."""
    found: dict[str, tuple[str, int, str, str, str, str]] = {}
    with libarchive.file_reader(str(archive)) as entries:
        for entry in entries:
            data = b"".join(entry.get_blocks())
            kind = "dir" if entry.isdir else "link" if entry.issym else "file"
            size, sha256, link = 0, "", ""
            if entry.islnk:
                _, size, sha256, *_ = found[entry.linkpath.removeprefix("./")]
            elif kind == "file":
                size, sha256 = len(data), hashlib.sha256(data).hexdigest()
            elif kind == "link":
                link = entry.linkpath
            path = entry.pathname.removeprefix("./").rstrip("/") or "."
            found[path] = (kind, size, sha256, link, entry.uname, entry.gname)
    return found


def test_the_shapes_that_real_sets_have(entries: dict[str, dict[str, Entry]]) -> None:
    base = entries["base"]
    # Names of one file with modes of their own: the setuid bit survives, where the name listed first has none.
    assert base["usr/bin/passwd"].inode == base["usr/bin/chpass"].inode != ""
    assert (base["usr/bin/chpass"].mode, base["usr/bin/passwd"].mode) == (0o555, 0o4555)
    assert base["bin/["].inode == base["bin/test"].inode != ""
    assert (base["usr/bin/su"].mode, base["usr/bin/write"].mode, base["usr/bin/write"].gid) == (0o4555, 0o2555, 4)
    assert base["tmp"].mode == 0o1777
    rescue = {entry.inode for path, entry in base.items() if path.startswith("rescue/")}
    assert rescue == {"rescue/cat"}
    assert sum(path.startswith("rescue/") for path in base) == content.RESCUE_PROGRAMS
    assert max(path.count("/") for path in base) >= content.DEEP
    assert {"with space", "tab\there", "back\\slash", "#hash", "star*", "ünï"} <= {
        path.rpartition("/")[2] for path in base
    }
    assert max(len(path.rpartition("/")[2]) for path in base) > 90
    assert base["usr/share/standin/to-nowhere"].link == "../no such file"
    assert entries["etc"]["var/log/wtmp"].gid == 45
    assert entries["etc"]["var/spool/ftp/hidden"].mode == 0o111


def test_manifests_encode_names_as_netbsds_do(indexes: dict[str, TarIndex]) -> None:
    text = indexes["base"].read("etc/mtree/set.base") or b""
    assert rb"./bin/\133 type=file" in text
    assert rb"with\040space" in text
    assert b"./etc/mtree/set.base type=file uname=root gname=wheel mode=0444\n" in text


def test_archives_have_netbsds_form(binary: Path, indexes: dict[str, TarIndex]) -> None:
    assert indexes["base"].tar.read_bytes()[257:265] == b"ustar\x0000"
    listing = run("bsdtar", "-tf", binary / "sets" / "base.tar.xz").splitlines()
    assert all(line == "." or line.startswith("./") for line in listing)


def test_the_comp_set_is_as_large_as_asked_for(entries: dict[str, dict[str, Entry]]) -> None:
    made = [entry.size for path, entry in entries["comp"].items() if path.endswith(".h")]
    assert len(made) == 20
    assert 20_000 - 20 <= sum(made) <= 20_000


def test_times_are_of_the_epoch(entries: dict[str, dict[str, Entry]]) -> None:
    times = {entry.mtime for entry in entries["base"].values()}
    assert max(times) == EPOCH
    assert len(times) > 100


def test_the_beginning_of_time_is_an_epoch_too(tmp_path: Path) -> None:
    write_set(tmp_path / "misc.tgz", "misc", content.misc(), epoch=1)
    assert {member.mtime for member in read_members(gunzipped(tmp_path / "misc.tgz"), "misc.tgz").values()} == {0, 1}


def gunzipped(path: Path) -> Path:
    plain = path.with_suffix(".tar")
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    return plain


# --- kernels


@pytest.fixture(params=["XEN3_DOM0", "XEN3_DOMU"])
def config(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kernel(binary: Path, config: str, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "netbsd"
    file.write_bytes(gzip.decompress((binary / "kernel" / f"netbsd-{config}.gz").read_bytes()))
    yield file


def test_a_kernel_set_holds_the_kernel_alone(kernel: Path, config: str, indexes: dict[str, TarIndex]) -> None:
    index = indexes[f"kern-{config}"]
    assert list(index.members) == ["netbsd"]
    assert index.read("netbsd") == kernel.read_bytes()


def test_readelf_shows_xens_and_netbsds_notes(kernel: Path) -> None:
    header = run("readelf", "-h", kernel)
    assert "Advanced Micro Devices X86-64" in header
    assert "EXEC (Executable file)" in header
    notes = run("readelf", "-n", "--wide", kernel)
    assert re.search(r"^\s*NetBSD\s+0x00000004\s", notes, re.M)
    sections = run("readelf", "-p", ".note.Xen", kernel)
    for word in ("Xen", "generic", "xen-3.0", "glassmaster-standin"):
        assert word in sections
    assert notes.count("  Xen  ") >= 9
    assert "no symbols" in run("nm", kernel) + subprocess.run(["nm", kernel], capture_output=True).stderr.decode()


def test_nothing_of_this_machine_is_in_it(kernel: Path) -> None:
    words = run("strings", "-a", kernel)
    for place in (str(SOURCES), str(Path.cwd()), "/tmp", "GCC:"):
        assert place not in words


def test_strings_and_sed_show_the_embedded_config(kernel: Path, config: str) -> None:
    script = f"strings -n 5 {kernel} | sed -n 's/^_CFG_//p'"
    lines = run("sh", "-c", script).splitlines()
    assert lines[0] == f'### START CONFIG FILE "{config}"'
    assert lines[-1] == f'### END CONFIG FILE "{config}"'
    # config(1) encodes a tab as \^I and doubles a backslash; nothing else is in these files.
    shown = "\n".join(lines[1:-1]).replace("\\^I", "\t").replace("\\\\", "\\")
    assert shown.splitlines() == (SOURCES / "conf" / config).read_text().splitlines()


def test_config_header_encodes_for_vis_and_for_c() -> None:
    assert config_header("X", 'a\t"b"\\c') == (
        "static const char config[] __attribute__((used)) =\n"
        '    "_CFG_### START CONFIG FILE \\"X\\"\\n"\n'
        '    "_CFG_a\\\\^I\\"b\\"\\\\\\\\c\\n"\n'
        '    "_CFG_### END CONFIG FILE \\"X\\"\\n"\n'
        ";\n"
    )


def test_compile_command() -> None:
    command = compile_command("XEN3_DOM0", Path("/work dir"), Path("/out/netbsd"))
    line = command.line()
    assert line.startswith(f"cd {SOURCES} && gcc -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdinc ")
    assert line.endswith(
        "-T kernel.lds '-DSTANDIN_CONFIG=\"XEN3_DOM0\"' -DSTANDIN_NETBSD_VERSION=1001000000 '-I/work dir' "
        "-o /out/netbsd acpi.c clock.c console.c devices.c disk.c machine.c main.c notes.S power.c start.S text.c "
        "xenstore.c"
    )
    # What would make it depend on who builds it, where, or with which default of a distribution's gcc.
    for flag in ("-Wl,--build-id=none", "-fno-ident", "-fno-pie", "-no-pie", "-fcf-protection=none",
                 "-fno-stack-protector", "-march=x86-64", "-mtune=generic"):  # fmt: skip
        assert flag in command.argv
    assert "-g" not in command.argv


def test_kernel_files_are_all_that_it_is_made_of() -> None:
    names = [str(path.relative_to(SOURCES)) for path in kernel_files()]
    assert names == sorted(names)
    assert {"conf/XEN3_DOM0", "conf/XEN3_DOMU", "kernel.h", "kernel.lds", "main.c", "start.S"} <= set(names)
    assert "README.md" not in names
    json.dumps(names)


def test_no_file_is_a_large_part_of_a_large_release() -> None:
    sizes = [len(item.data) for item in content.comp(20_000, 2_000_000) if item.kind == "file"]
    assert len(sizes) == 20_000 and 1_900_000 < sum(sizes) <= 2_000_000
    assert max(sizes) < 0.02 * sum(sizes)
    assert len(set(sizes)) > 20
