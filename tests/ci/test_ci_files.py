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
    return {step for line in re.findall(r"ci/build\.sh ([a-z ]+)", text) for step in line.split()}


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


def test_the_script_explains_each_variable_that_it_reads() -> None:
    head = SCRIPT.partition("\nset -")[0]
    read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", SCRIPT)) - {"CI"}
    assert read and all(re.search(rf"\b{name}\b", head) for name in read)
