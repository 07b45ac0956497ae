"""ci/build.sh step by step, with a stub in the place of doit: what it calls, and what it compares with."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci.checkout import Checkout

REPOSITORY = Path(__file__).resolve().parents[2]
# Notes what it is asked and in which commit; a diff is of the outcome, and ends with the status, that the test wants.
STUB = """#!/bin/sh
set -eu
printf '%s' "$(git describe --tags --always --exact-match 2>/dev/null || echo -)" >>"$STUB_LOG"
for word; do printf ' %s' "$word" | tr '\\n' ' ' >>"$STUB_LOG"; done
echo >>"$STUB_LOG"
case $1 in
matrix) echo standin ;;
iso) mkdir -p out/standin && cp what out/standin/dom0.iso ;;
diff)
    mkdir -p out/standin
    echo "previous: $(cat "$2/dom0.iso")" >>"$STUB_LOG"
    printf '{\\n  "outcome": "%s"\\n}\\n' "${STUB_OUTCOME:-allowed}" >out/standin/diff.json
    exit "${STUB_STATUS:-1}" ;;
release) mkdir -p out/standin/release ;;
esac
"""


@dataclass(frozen=True)
class Stubbed(Checkout):
    """A repository with tags v1 and v2, whose recipe makes a disc that holds the tag's name."""

    def tag(self, name: str) -> None:
        """A commit with a tag."""
        (self.path / "what").write_text(f"{name}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", name)
        self.git("tag", name)

    def ci(self, *steps: str, status: int = 0, **more: str) -> tuple[list[str], str]:
        """What doit was asked, without the list of recipes; and what was printed."""
        log = Path(self.environment["STUB_LOG"])
        log.unlink(missing_ok=True)
        printed = self.script(*steps, status=status, seconds=60, **more)
        return [line for line in log.read_text().splitlines() if " matrix " not in line], printed


@pytest.fixture
def stubbed(tmp_path: Path) -> Stubbed:
    path = tmp_path / "clone"
    (path / "recipes").mkdir(parents=True)
    (path / "recipes/standin.yaml").touch()
    shutil.copytree(REPOSITORY / "ci", path / "ci")
    (path / ".gitignore").write_text("build/\nout/\n")
    doit = tmp_path / "doit"
    doit.write_text(STUB)
    doit.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOIT": str(doit), "STUB_LOG": str(tmp_path / "log"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }  # fmt: skip
    made = Stubbed(path, environment)
    made.git("init", "--quiet", "--initial-branch=main")
    for name in ("v1", "v2", "v3"):
        made.tag(name)
    return made


def test_each_step_is_one_command(stubbed: Stubbed) -> None:
    lines, said = stubbed.ci("lock", "build", "repro", "nightly", "smoke")
    assert lines == [
        "v3 locked recipe=standin", "v3 iso recipe=standin", "v3 repro --quick recipe=standin",
        "v3 repro recipe=standin", "v3 smoke recipe=standin",
    ]  # fmt: skip
    assert said.splitlines() == [f"ci: {step}: standin" for step in ("lock", "build", "repro", "nightly", "smoke")]


COMPARED = "v3 diff build/previous/out/standin out/standin output=out/standin"


def test_the_last_tag_is_built_from_its_own_sources(stubbed: Stubbed) -> None:
    assert stubbed.ci("diff")[0] == ["v2 iso recipe=standin", COMPARED, "previous: v2"]
    marker = stubbed.path / "build/previous/kept"
    marker.touch()
    assert stubbed.ci("diff")[0][-1] == "previous: v2" and marker.exists()  # it is gone on with


def test_a_worktree_of_another_tag_is_made_anew(stubbed: Stubbed) -> None:
    stubbed.ci("diff")
    stubbed.tag("v4")
    assert stubbed.ci("diff")[0][-1] == "previous: v3"


def test_a_tag_that_was_moved_is_taken_as_it_is_now(stubbed: Stubbed) -> None:
    stubbed.ci("diff")
    stubbed.git("tag", "--force", "v2", "v1")
    stubbed.git("tag", "--delete", "v1")
    assert stubbed.ci("diff")[0][-1] == "previous: v1"


@pytest.mark.parametrize("how", ["empty", "no git", "file missing", "locked"])
def test_a_worktree_that_is_half_made_is_made_anew(stubbed: Stubbed, how: str) -> None:
    previous = stubbed.path / "build/previous"
    if how == "empty":
        previous.mkdir(parents=True)
    else:
        stubbed.ci("diff")
    if how == "no git":
        (previous / ".git").unlink()
    elif how == "file missing":
        (previous / "what").unlink()
    elif how == "locked":  # as `git worktree add` keeps it while it works
        stubbed.git("worktree", "lock", "build/previous")
        shutil.rmtree(previous)
    assert stubbed.ci("diff")[0] == ["v2 iso recipe=standin", COMPARED, "previous: v2"]


def published(folder: Path) -> Path:
    """A directory of published releases."""
    (folder / "standin/0123456789ab").mkdir(parents=True)
    (folder / "standin/0123456789ab/dom0.iso").write_text("published\n")
    (folder / "standin/latest").write_text("0123456789ab\n")
    return folder


def test_a_published_release_is_compared_with(stubbed: Stubbed, tmp_path: Path) -> None:
    stubbed.ci("diff")  # build/previous is there, and not what is asked for
    releases = published(tmp_path / "published")
    latest = f"{releases}/standin/0123456789ab"
    assert stubbed.ci("diff", PREVIOUS=str(releases))[0] == [
        f"v3 diff {latest} out/standin output=out/standin", "previous: published",
    ]  # fmt: skip
    lines, said = stubbed.ci("diff", PREVIOUS=str(tmp_path))
    assert lines == [] and "there is no release before this one" in said
    assert not (stubbed.path / "out/standin/diff.json").exists()  # that of an earlier run says nothing of this one


def test_what_was_decided_is_accepted(stubbed: Stubbed) -> None:
    lines, _ = stubbed.ci("diff", ACCEPT="setuid:/usr/bin/a b\npackages")
    assert lines[1] == (
        "v3 diff build/previous/out/standin --accept setuid:/usr/bin/a b --accept packages out/standin "
        "output=out/standin"
    )


def test_a_decision_fails_nothing_but_trouble_does(stubbed: Stubbed) -> None:
    assert "somebody must decide" in stubbed.ci("diff", STUB_STATUS="2")[1]
    stubbed.ci("diff", status=3, STUB_STATUS="3")


def test_a_release_is_verified_and_published(stubbed: Stubbed) -> None:
    lines, _ = stubbed.ci("diff", "release", WITHOUT="smoke,full-repro", SIGNERS="signers", PUBLISH="/srv/releases")
    assert lines[-3:] == [
        "v3 release recipe=standin without=smoke,full-repro", "v3 verify out/standin/release signers=signers",
        "v3 publish /srv/releases recipe=standin signers=signers",
    ]  # fmt: skip
    assert stubbed.ci("diff", "release")[0][-2:] == ["v3 release recipe=standin", "v3 verify out/standin/release"]


def test_the_first_release_is_compared_with_none(stubbed: Stubbed) -> None:
    for without, told in (("", "diff"), ("smoke", "smoke,diff")):
        lines, said = stubbed.ci("diff", "release", TAGS="release-*", WITHOUT=without)
        assert lines[0] == f"v3 release recipe=standin without={told}" and "it is compared with none" in said


def test_a_disc_that_did_not_change_is_not_released_again(stubbed: Stubbed) -> None:
    lines, said = stubbed.ci("diff", "release", STUB_OUTCOME="same", STUB_STATUS="0", PUBLISH="/srv/releases")
    assert lines[-1] == "previous: v2" and "the same as in the last release" in said
    lines, _ = stubbed.ci("diff", "release", STUB_OUTCOME="same", STUB_STATUS="0", WITHOUT="diff")
    assert "v3 release recipe=standin without=diff" in lines
