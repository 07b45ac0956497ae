"""The ready pipelines: what their CIs accept, by the official schemas, and that they call what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CI = REPOSITORY / "ci"
SCHEMAS = {
    "github.yml": ("--builtin-schema", "vendor.github-workflows"),
    "gitlab.yml": ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
}
SCRIPT = (CI / "build.sh").read_text()


def check(path: Path) -> subprocess.CompletedProcess[str]:
    argv = [str(Path(sys.executable).with_name("check-jsonschema")), *SCHEMAS[path.name], str(path)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_official_schema_takes_it(name: str) -> None:
    done = check(CI / name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("github.yml", "runs-on: ubuntu-latest", "runs_on: ubuntu-latest"),
        ("gitlab.yml", "parallel: 2", "parallel: many"),
    ],
)
def test_and_refuses_a_mistake(name: str, text: str, wrong: str, tmp_path: Path) -> None:
    original = (CI / name).read_text()
    assert text in original
    (tmp_path / name).write_text(original.replace(text, wrong))
    assert check(tmp_path / name).returncode != 0


def steps_called(text: str) -> set[str]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return {step for line in re.findall(r"ci/build\.sh ([a-z ]+)", lines) for step in line.split()}


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_calls_steps_that_the_script_has(name: str) -> None:
    steps = set(re.findall(r"^    ([a-z]+)\)", SCRIPT, re.MULTILINE))
    called = steps_called((CI / name).read_text())
    assert called <= steps and {"lock", "build", "repro", "smoke", "diff", "release", "nightly"} <= called


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_whole_history_is_there_where_the_last_tag_is_built(name: str) -> None:
    text = (CI / name).read_text()
    if name == "gitlab.yml":
        assert yaml.safe_load(text)["variables"]["GIT_DEPTH"] == "0"
        return
    for job in yaml.safe_load(text)["jobs"].values():
        compares = any("diff" in steps_called(step.get("run", "")) for step in job["steps"])
        (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout")]
        assert not compares or checkout["with"]["fetch-depth"] == 0


def variables() -> set[str]:
    """What the script can be told."""
    head = SCRIPT.partition("# Environment\n")[2].partition("# Exit status")[0]
    return set(re.findall(r"^#   ([A-Z]+) ", head, re.MULTILINE)) - {"SHARD", "DOIT"}


def test_github_hands_over_each_variable() -> None:
    """Variables of a repository are no environment; GitLab's variables of a project are one."""
    jobs = yaml.safe_load((CI / "github.yml").read_text())
    publishing = [step for step in jobs["jobs"]["release"]["steps"] if "PUBLISH" in step.get("env", {})]
    given = {**jobs["env"], **publishing[0]["env"]}
    assert variables() >= {"RECIPES", "PUBLISH", "ACCEPT"}
    for name in variables():
        assert given[name] == f"${{{{ vars.GLASSMASTER_{name} }}}}"
        assert re.search(rf"\b{name}\b", (CI / "gitlab.yml").read_text().partition("default:")[0])


def test_every_job_keeps_the_store() -> None:
    for name, job in yaml.safe_load((CI / "github.yml").read_text())["jobs"].items():
        (step,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/cache@")]
        assert step["with"]["path"] == "/var/tmp/glassmaster-store" and "store-\n" in step["with"]["restore-keys"], name
    jobs = yaml.safe_load((CI / "gitlab.yml").read_text())
    assert all(jobs[name]["cache"] for name in ("build", "nightly", "release"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_release_has_gone_through_every_variation(name: str) -> None:
    (line,) = [line for line in (CI / name).read_text().splitlines() if "ci/build.sh" in line and "release" in line]
    assert {"nightly", "smoke", "diff"} <= steps_called(line)


def test_a_stranger_s_pull_request_is_not_red_for_a_comment() -> None:
    steps = yaml.safe_load((CI / "github.yml").read_text())["jobs"]["build"]["steps"]
    (comment,) = [step for step in steps if step.get("uses", "").startswith("actions/github-script@")]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in comment["if"]
    assert any("GITHUB_STEP_SUMMARY" in step.get("run", "") and step["if"] == "always()" for step in steps)


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run(["shellcheck", CI / "build.sh"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_script_explains_each_variable_that_it_reads() -> None:
    head = SCRIPT.partition("\nset -")[0]
    read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", SCRIPT)) - {"CI"}
    assert read and all(re.search(rf"\b{name}\b", head) for name in read)
