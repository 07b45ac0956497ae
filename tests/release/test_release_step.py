"""`doit release`: what it refuses, what it can do without by name only, and that it is there whole or not at all."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from glassmaster.checks.repro.result import read_result, write_result
from glassmaster.diff.model import Decision, Verdict, dumps
from glassmaster.doit_plugins.keys import KEY, Key
from glassmaster.recipe.load import load
from glassmaster.release import place
from glassmaster.release.artefacts import digest_of, files_below
from glassmaster.release.evidence import diff_problem, quick_problem, readback_problem, repro_problem, smoke_problem
from glassmaster.release.kept import keep
from glassmaster.release.keyparts import release_key
from glassmaster.release.options import Options
from glassmaster.release.place import directory_beside, put_directory_in_place
from glassmaster.release.results import read_comparison, read_document
from glassmaster.release.verify import verify_directory
from tests.release.conftest import Released


def digests(folder: Path) -> dict[str, str]:
    return {name: digest_of(folder / name).sha512 for name in files_below(folder)}


def test_what_is_in_it(released_once: Released) -> None:
    names = files_below(released_once.folder)
    for name in (
        "SHA512", "SHA512.sig", "dom0.iso", "dom0.mtree", "domu/SHA512.sig", "domu/base.img.gz", "index.html", "kernel",
        "kernel.config", "notes.md", "provenance.json", "repro.json", "sbom.cdx.json", "smoke/smoke.json",
        "source.tar.gz", "standin.lock",
    ):  # fmt: skip
        assert name in names
    assert not [path for path in released_once.folder.parent.iterdir() if path.name.endswith(".partial")]


def test_made_again_it_is_the_same(released: Released) -> None:
    before = digests(released.folder)
    shutil.rmtree(released.folder)
    result = released.doit("release")
    assert result.returncode == 0, result.stdout
    assert digests(released.folder) == before
    again = released.doit("release")
    assert "release:standin starts" not in again.stdout and "files" in again.stdout


def planned(released: Released, *arguments: str) -> str:
    """What `doit plan release` says of the release itself."""
    result = released.doit("plan", "release:standin", "--json", *arguments)
    assert result.returncode == 0, result.stdout
    (task,) = [item for item in json.loads(result.stdout)["tasks"] if item["name"] == "release:standin"]
    return f"{task['will']} {' '.join(str(item.get('what')) for item in task.get('reasons') or [])}"


def test_damage_is_seen_and_mended(released: Released) -> None:
    before = digests(released.folder)
    assert "run" not in planned(released)
    damaged = ("dom0.iso", "SHA512.sig", "domu/base.img.gz", "index.html")
    for name in damaged[:2]:
        (released.folder / name).unlink()
    for name in damaged[2:]:
        (released.folder / name).write_text("damaged")
    said = planned(released)
    assert said.startswith("run") and all(f"release/{name}" in said for name in damaged), said
    assert released.doit("release").returncode == 0
    assert digests(released.folder) == before and "run" not in planned(released)


@pytest.mark.slow
def test_what_is_not_the_release_s_own_is_kept(released: Released) -> None:
    (released.folder / "rebuilds").mkdir()
    (released.folder / "rebuilds/alice.json").write_text("{}")
    (released.folder / "mine.txt").write_text("a note")
    release_id = json.loads((released.folder / "release.json").read_text())["release_id"]
    said = planned(released)  # a statement alone is no reason; a file that the list does not have makes it a bad one
    assert "release/mine.txt" in said and "alice" not in said
    result = released.doit("release")
    assert result.returncode == 0 and f"now in out/standin/kept/{release_id}/" in result.stdout, result.stdout
    assert (released.folder / "rebuilds/alice.json").exists() and not (released.folder / "mine.txt").exists()
    kept = released.clone.out("kept")
    assert (kept / release_id / "mine.txt").read_text() == "a note" and not (kept / release_id / "rebuilds").exists()
    # Another release takes its place: what others said of the old one would say nothing of it.
    recipe = released.clone.path / "recipes/standin.yaml"
    recipe.write_text(recipe.read_text().replace("epoch: 2026-01-01", "epoch: 2026-01-02"))
    result = released.doit("release", "without=smoke,repro,diff")
    assert result.returncode == 0, result.stdout
    assert (kept / release_id / "rebuilds/alice.json").read_text() == "{}"
    assert not (released.folder / "rebuilds").exists()
    assert json.loads((released.folder / "release.json").read_text())["release_id"] != release_id


def test_kept_beside_what_is_there_already(tmp_path: Path) -> None:
    release, other, kept = (tmp_path / name for name in ("release", "other", "kept"))
    other.mkdir()
    for text in ("one", "one", "two"):
        release.mkdir(exist_ok=True)
        (release / "note").write_text(text)
        assert keep(release, other, kept) == kept / "unknown"  # no facts, no list: it is damaged
    assert {path.name: path.read_text() for path in (kept / "unknown").iterdir()} == {"note": "one", "note.1": "two"}
    assert keep(tmp_path / "nowhere", other, kept) is None


def test_what_it_is_made_of_besides_files_of_tasks(released: Released, copy: Path) -> None:
    def reasons(*arguments: str) -> str:
        return planned(released, f"previous={copy}", f"signers={released.signers}", *arguments)

    (copy / "SHA512").write_text("another\n")
    assert "previous holds" in reasons() and "signers" in reasons()
    key = Key(**release_key(loaded := load(Path("recipes/standin.yaml")), options := Options(previous=str(copy))))
    before = key.now()
    (copy / "SHA512").write_text("yet another\n")
    assert [name for name, _, _ in Key(**release_key(loaded, options)).changes({KEY: before})] == [
        f"previous holds.{name}" for name in ("SHA512",)
    ]
    signers = copy.parent / "signers"
    values = []
    for text in ("one", "two"):
        signers.write_text(text)
        values.append(Key(**release_key(loaded, Options(signers=str(signers)))).now()["signers"])
    assert values[0] != values[1]


@pytest.mark.slow
def test_everything_missing_is_said_at_once(released: Released) -> None:
    before = digests(released.folder)
    for name in ("smoke/smoke.json", "repro.json", "diff.json"):
        released.clone.out(name).unlink()
    result = released.clone.doit("release")
    assert result.returncode == 1, result.stdout
    assert "smoke, repro, diff, signature are missing or bad" in result.stdout
    for line in (
        r"smoke: there is no .*; ./doit smoke recipe=standin", r"repro: there is no .*; ./doit repro recipe=standin",
        r"diff: there is no .*; ./doit diff PREVIOUS out/standin output=out/standin",
        r"signature: GLASSMASTER_SIGNING_KEY", r"without=smoke,repro,diff,signature",
    ):  # fmt: skip
        assert re.search(line, result.stdout), (line, result.stdout)
    assert digests(released.folder) == before  # the old one is still there, whole
    # Nothing is left out that was not named.
    assert "repro, diff are missing or bad" in released.clone.doit("release", "without=smoke,signature").stdout
    assert "there is no such check" in released.clone.doit("release", "without=everything").stdout
    result = released.clone.doit("release", "without=smoke,repro,diff,signature")
    assert result.returncode == 0, result.stdout
    facts = json.loads((released.folder / "release.json").read_text())
    assert facts["without"].keys() == {"smoke", "repro", "diff", "signature"}
    statement = json.loads((released.folder / "provenance.json").read_text())
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["overrides"]["without"] == facts["without"]
    assert "Released without diff, repro, signature, smoke" in (released.folder / "index.html").read_text()
    assert "**Released without:**" in (released.folder / "notes.md").read_text()
    result = released.clone.doit("verify", "out/standin/release")
    assert result.returncode == 0 and result.stdout.count("released without it") == 3, result.stdout


def test_a_check_that_is_good_is_not_left_out(released: Released) -> None:
    result = released.doit("release", "without=smoke")
    assert result.returncode == 0, result.stdout
    assert json.loads((released.folder / "release.json").read_text())["without"] == {}


def test_a_damaged_image_is_not_released(released: Released) -> None:
    before = digests(released.folder)
    with released.clone.out("dom0.mtree").open("a") as stream:
        stream.write("./evil type=file uid=0 gid=0 mode=0444 size=0 time=0.0 tags=origin:x\n")
    # As if the step before had left it so: doit itself would make it again.
    result = released.clone.doit("forget", "release", "mtree", "iso")
    assert result.returncode == 0
    (released.clone.path / "dodo.py").write_text(
        "from glassmaster.tasks import *\nfrom glassmaster import tasks\n"
        "def task_release():\n    for task in tasks.task_release():\n"
        "        yield {**task, 'task_dep': [], 'file_dep': []}\n"
        "for name in ('mtree', 'iso', 'domu', 'kernel'):\n    del globals()[f'task_{name}']\n"
    )
    result = released.doit("release")
    assert result.returncode == 1 and "not released" in result.stdout and "evil" in result.stdout, result.stdout
    assert digests(released.folder) == before


@pytest.mark.slow
def test_a_recipe_without_domus_and_packages(released: Released) -> None:
    recipes = released.clone.path / "recipes"
    values = yaml.load((recipes / "standin.yaml").read_text(), Loader=yaml.BaseLoader)
    bare = {name: value for name, value in values.items() if name not in ("domus", "packages")}
    (recipes / "bare.yaml").write_text(yaml.safe_dump(bare))
    result = released.doit("release", "recipe=bare", "without=smoke,repro,diff")
    assert result.returncode == 0, result.stdout
    folder = released.clone.out("release", "bare")
    assert not (folder / "domu").exists() and verify_directory(folder, released.signers).problems == ()


def test_clean_takes_away_what_it_made(released: Released) -> None:
    (released.folder / "mine").write_text("x")
    result = released.clone.doit("clean", "release")
    assert result.returncode == 0, result.stdout
    assert files_below(released.folder) == ["mine"] and released.clone.out("dom0.iso").exists()


def test_compared_with_the_release_before(released: Released, copy: Path) -> None:
    released.clone.out("diff.json").unlink()
    result = released.doit("release", f"previous={copy}")
    assert result.returncode == 1 and "it compares the release with itself" in result.stdout, result.stdout
    before = released.clone.recipe("before", "description: the one before\n")
    assert (built := released.doit("iso", f"recipe={before}")).returncode == 0, built.stdout
    result = released.doit("release", "previous=out/before")
    assert result.returncode == 0, result.stdout
    compared = read_comparison(released.folder / "diff.json")
    assert compared.verdict.outcome == "allowed" and (released.folder / "diff.html").is_file()
    old = json.loads(released.clone.out("dom0.json", "before").read_text())
    assert (compared.old.sha256, compared.old.release_id) == (old["sha256"], old["release_id"])
    previous = json.loads((released.folder / "release.json").read_text())["previous"]
    assert previous == {"recipe": "before", "release_id": old["release_id"]}


@pytest.mark.slow
def test_a_quick_repro_is_not_the_whole(released: Released) -> None:
    path = released.clone.out("repro.json")
    write_result(path, changed(read_result(path), quick=True))
    result = released.doit("release")
    assert result.returncode == 1 and "full-repro is missing or bad" in result.stdout, result.stdout
    assert "quick: 1 variation; ./doit repro recipe=standin, without --quick" in result.stdout
    result = released.doit("release", "without=full-repro")
    assert result.returncode == 0, result.stdout
    said = {"full-repro": "quick: 1 variation"}
    assert json.loads((released.folder / "release.json").read_text())["without"] == said
    statement = json.loads((released.folder / "provenance.json").read_text())
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["overrides"]["without"] == said
    for name in ("index.html", "notes.md"):
        assert "quick: 1 variation" in (released.folder / name).read_text()
    result = released.clone.doit("verify", "out/standin/release")
    assert result.returncode == 0 and "released without it: quick: 1 variation" in result.stdout, result.stdout
    # Who leaves out all of it leaves out this, too.
    assert released.doit("release", "without=repro").returncode == 0


def test_the_page(released_once: Released) -> None:
    page = (released_once.folder / "index.html").read_text()
    assert "stand-in, not NetBSD" in page and "no server runs on it" in page
    assert digest_of(released_once.folder / "dom0.iso").sha512 in page
    assert "default-src 'none'" in html.unescape(page)
    # Nothing is loaded: every address is a file of the release, a place in the page, or data.
    places = re.findall(r'(?:src|href)="([^"]*)"', page)
    outside = [place for place in places if not place.startswith(("data:", "#"))]
    known = set(files_below(released_once.folder)) | {"domu/", "diff.html"}
    assert outside and set(outside) <= known
    for words in ("sudo", "1.8", "clock", "menu", "standin-daemon-4.1", "domu/base.img.gz"):
        assert words in page
    assert page.count("<svg") >= 4


def test_it_is_refused_for_what_its_results_say(released_once: Released) -> None:
    out = released_once.clone.path / "out/standin"
    iso = digest_of(out / "dom0.iso").sha256
    smoke, readback = read_document(out / "smoke/smoke.json"), read_document(out / "readback.json")
    assert smoke_problem(smoke, iso, ("bios", "uefi")) == "" == readback_problem(readback, iso)
    assert smoke_problem(smoke, "other", ()) == "another image was booted"
    assert smoke_problem(smoke, iso, ("bios", "usb")) == "not booted: usb"
    assert smoke_problem({**smoke, "boots": []}, iso, ()) == "nothing was booted"
    failed = [{**smoke["boots"][0], "failure": "no menu"}]
    assert smoke_problem({**smoke, "boots": failed}, iso, ("bios",)) == "bios: no menu"
    assert readback_problem({**readback, "differences": ["x"]}, iso) == "1 differences were read back"
    assert readback_problem(readback, "other") == "another image was read back"


def changed(value: Any, **other: Any) -> Any:
    import dataclasses

    return dataclasses.replace(value, **other)


def test_it_is_refused_for_what_repro_and_diff_say(released_once: Released, tmp_path: Path) -> None:
    out = released_once.clone.path / "out/standin"
    repro, compared = read_result(out / "repro.json"), read_comparison(out / "diff.json")
    disc = digest_of(out / "dom0.iso").sha256
    iso = {"dom0.iso": disc, "domu/base.img": digest_of(out / "domu/base.img").sha256}
    release_id = repro.release_id
    assert repro_problem(repro, release_id, iso) == "" == diff_problem(compared, release_id, disc)
    assert "another release" in repro_problem(repro, "0" * 12, iso)
    assert "another dom0.iso" in repro_problem(repro, release_id, {"dom0.iso": "x"})
    assert "says nothing" in repro_problem(changed(repro, artefacts={}), release_id, iso)
    only = changed(repro, artefacts={"dom0.iso": disc})
    assert repro_problem(only, release_id, iso) == "it says nothing of domu/base.img"
    assert quick_problem(repro) == "" and quick_problem(changed(repro, quick=True)) == "quick: 1 variation"
    bad = changed(repro.variations[0], identical=False)
    assert repro_problem(changed(repro, variations=(bad,)), release_id, iso) == "not the same when built again: clock"
    assert repro_problem(changed(repro, variations=()), release_id, iso) == "nothing was built again"
    decision = changed(compared, verdict=Verdict("decision", (), (Decision("setuid:/x", "setuid", "", "x"),)))
    assert diff_problem(decision, release_id, disc) == "needs a decision: setuid:/x"
    assert "another release" in diff_problem(compared, "0" * 12, disc)
    assert diff_problem(compared, release_id, "other") == "it compares another dom0.iso"
    unsaid = changed(compared, new=changed(compared.new, sha256=""))
    assert diff_problem(unsaid, release_id, disc) == "it does not say which dom0.iso it compares"
    twin = changed(compared, old=changed(compared.old, release_id=release_id))
    assert "another one of the same id" in diff_problem(twin, release_id, disc)
    for same in ({"release_id": release_id, "sha256": ""}, {"sha256": disc, "release_id": ""}):
        itself = changed(compared, old=changed(compared.old, **same))
        assert diff_problem(itself, release_id, disc) == "it compares the release with itself"
    (tmp_path / "diff.json").write_text(dumps(decision))
    assert read_comparison(tmp_path / "diff.json") == decision


# ---- putting a directory in its place


def filled(folder: Path, text: str) -> None:
    (folder / "below").mkdir()
    (folder / "below/file").write_text(text)


def test_a_directory_takes_its_place_at_once(tmp_path: Path) -> None:
    target = tmp_path / "new/release"
    for text in ("one", "two"):
        with directory_beside(target) as folder:
            filled(folder, text)
            put_directory_in_place(folder, target)
        assert (target / "below/file").read_text() == text
    assert [path.name for path in target.parent.iterdir()] == ["release"]


def _fails(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["_fsync", "_exchange", None])
def test_a_failure_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str | None) -> None:
    target = tmp_path / "release"
    target.mkdir()
    filled(target, "old")
    if step:
        monkeypatch.setattr(place, step, _fails)
    with pytest.raises(Exception, match=r"no room left|stop"), directory_beside(target) as folder:
        filled(folder, "new")
        if step is None:
            raise ValueError("stop")
        put_directory_in_place(folder, target)
    assert (target / "below/file").read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["release"]


def test_a_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "release").write_text("mine")
    with pytest.raises(Exception, match="is not a directory"), directory_beside(tmp_path / "release") as folder:
        put_directory_in_place(folder, tmp_path / "release")
    assert (tmp_path / "release").read_text() == "mine"
