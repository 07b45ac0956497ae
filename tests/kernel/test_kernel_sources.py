"""The source tree: sets and patches, once, and never half."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel import sources
from glassmaster.inputs.kernel.sources import SourceSet, apply_patch, patch_command, source_key, source_tree
from glassmaster.inputs.kernel.wanted import patch_files, wanted_source_sets
from glassmaster.inputs.store import Store
from glassmaster.recipe.load import LoadedRecipe
from glassmaster.recipe.model import Kernel

LINES = [f"line {number}" for number in range(1, 21)]
PATCH = """\
--- a/sys/file.c\t2013-01-01
+++ b/sys/file.c\t2026-01-01
@@ -{line},7 +{line},7 @@
 line 7
 line 8
 line 9
-line 10
+line ten
 line 11
 line 12
 line 13
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "sys").mkdir(parents=True)
    (tmp_path / "tree" / "sys" / "file.c").write_text("\n".join(LINES) + "\n")
    return tmp_path / "tree"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def source_set(store: Store, name: str, *paths: str) -> SourceSet:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in paths:
            info = tarfile.TarInfo(path)
            body = ("\n".join(LINES) + "\n").encode()
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return SourceSet(name, store.add([buffer.getvalue()], what=name).sha512)


def test_how_patch_is_called() -> None:
    assert patch_command(Path("/p/a.patch"), Path("/t r/src"), dry_run=True).line() == (
        "patch -p1 --batch --forward --fuzz=0 --no-backup-if-mismatch --reject-file=- --dry-run "
        "-d '/t r/src' -i /p/a.patch"
    )


@pytest.mark.parametrize("line", [7, 5])
def test_a_patch_fits_also_some_lines_away(line: int, tree: Path, tmp_path: Path) -> None:
    apply_patch(written(tmp_path / "a.patch", PATCH.format(line=line)), tree)
    assert (tree / "sys/file.c").read_text().splitlines()[9] == "line ten"
    assert sorted(path.name for path in tree.rglob("*")) == ["file.c", "sys"]


@pytest.mark.parametrize(
    "text",
    [
        PATCH.format(line=7).replace("line 8", "line VIII"),  # patch(1) would take it with fuzz
        PATCH.format(line=7).replace("line 9", "line IX"),
        PATCH.format(line=7).replace("-line 10", "-line ten").replace("+line ten", "+line 10"),  # is there already
        PATCH.format(line=7).replace("file.c", "none.c"),
        PATCH.format(line=7).replace("b/sys/file.c", "b/../../outside").replace("a/sys/file.c", "a/../../outside"),
        PATCH.format(line=7) + PATCH.format(line=7).replace("file.c", "none.c"),
        "no patch\n",
    ],
)
def test_a_patch_that_does_not_fit_changes_nothing(text: str, tree: Path, tmp_path: Path) -> None:
    patch = written(tmp_path / "a.patch", text)
    with pytest.raises(GlassmasterError) as error:
        apply_patch(patch, tree)
    assert f"{patch}: does not fit these sources" in str(error.value)
    assert "to repeat it: patch -p1" in str(error.value)
    assert (tree / "sys/file.c").read_text().splitlines() == LINES
    assert sorted(path.name for path in tree.rglob("*")) == ["file.c", "sys"]


def test_a_tree_is_made_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [source_set(store, "src.tgz", "usr/src/build.sh"), source_set(store, "syssrc.tgz", "usr/src/sys/file.c")]
    patch = written(tmp_path / "a.patch", PATCH.format(line=7))
    tree = source_tree(sets, [patch], store)
    assert (tree.top / "build.sh").is_file()
    assert "line ten" in (tree.top / "sys/file.c").read_text()
    monkeypatch.setattr(sources, "unpack_sources", None)  # calling it would fail
    assert source_tree(list(reversed(sets)), [patch], store) == tree


def test_what_a_broken_off_one_left_is_not_believed(store: Store, tmp_path: Path) -> None:
    sets = [source_set(store, "syssrc.tgz", "usr/src/sys/file.c")]
    bad = written(tmp_path / "a.patch", PATCH.format(line=7).replace("file.c", "none.c"))
    with pytest.raises(GlassmasterError):
        source_tree(sets, [bad], store)
    folder = store.derived("kernel-source", source_key(sets, [bad]))
    (folder / "src" / "left-over").write_text("")
    with pytest.raises(GlassmasterError):
        source_tree(sets, [bad], store)
    assert not (folder / "finished").exists()
    assert not (folder / "src" / "left-over").exists()


def test_a_set_that_changed_in_the_store(store: Store) -> None:
    item = source_set(store, "syssrc.tgz", "usr/src/sys/file.c")
    path = store.path(item.sha512)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"line 20", b"line XX"))
    with pytest.raises(GlassmasterError, match="has changed since it was verified"):
        source_tree([item], [], store)


def test_the_key(store: Store, tmp_path: Path) -> None:
    one, two = SourceSet("src.tgz", "1" * 128), SourceSet("syssrc.tgz", "2" * 128)
    first, second = written(tmp_path / "1", "one"), written(tmp_path / "2", "two")
    keys = [
        source_key([one, two], []), source_key([one], []), source_key([one, two], [first]),
        source_key([one, two], [first, second]), source_key([one, two], [second, first]),
    ]  # fmt: skip
    assert len(set(keys)) == 5
    assert source_key([two, one], [written(tmp_path / "another name", "one")]) == keys[2]
    with pytest.raises(GlassmasterError, match="none: cannot be read"):
        source_key([], [tmp_path / "none"])


def test_where_patches_are_looked_for(tmp_path: Path) -> None:
    loaded = LoadedRecipe("x", None, (tmp_path / "own/recipes/x.yaml", tmp_path / "base/y.yaml"))  # type: ignore[arg-type]
    beside = written(tmp_path / "own/patches/10.1/a.patch", "")
    below = written(tmp_path / "base/patches/10.1/b.patch", "")
    written(tmp_path / "base/patches/10.1/a.patch", "of the lower recipe")
    assert patch_files(loaded, "10.1", ("b.patch", "a.patch")) == [below, beside]
    with pytest.raises(GlassmasterError, match=r"no patch c\.patch\n  looked in:\n  .*/own/recipes/patches/10\.1"):
        patch_files(loaded, "10.1", ("c.patch",))


def test_what_is_fetched_for_a_kernel() -> None:
    assert wanted_source_sets(Kernel(config="X", source="built")) == (
        ("source/sets", ("src", "syssrc", "gnusrc", "sharesrc")),
    )
    assert wanted_source_sets(Kernel(config="X")) == ()
