"""Every command that the docs tell readers to type is run, or says why it cannot be; and each is one that there is."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import copy_repository
from tests.docs.blocks import PAGES, REPOSITORY, Block, blocks
from tests.docs.preparations import PREPARATIONS
from tests.docs.world import World

NAMES = {str(path.relative_to(REPOSITORY)): path for path in PAGES}
FOUND = {name: blocks(name, path.read_text(encoding="utf-8")) for name, path in NAMES.items()}
# Not run, wherever it stands.
ITSELF = "./doit test"
WITH_COMMANDS = [page for page, found in FOUND.items() if any(not block.reason for block in found)]
# By page and by the reason, as they stand in the docs: whoever adds one adds it here too.
NOT_RUN = {
    ("docs/release.md", "builds it twice; tests/release/test_release_rebuilds.py does"),
    ("docs/reproducibility.md", "needs a published release"),
    ("docs/reproducibility.md", "takes many minutes; ci/build.sh runs --quick"),
    ("docs/scale.md", "needs a cluster; tests/matrix starts one"),
    ("docs/lock.md", "needs a mirror of NetBSD"),
    ("docs/tutorial.md", "needs a mirror of NetBSD"),
}


def test_what_is_not_run_is_known() -> None:
    assert {(page, block.reason) for page, found in FOUND.items() for block in found if block.reason} == NOT_RUN


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The stand-in, built once."""
    top = tmp_path_factory.mktemp("docs")
    project = copy_repository(top / "project", top / "store")
    shutil.copyfile(REPOSITORY / "mkdocs.yml", project.path / "mkdocs.yml")
    shutil.copytree(REPOSITORY / "docs", project.path / "docs")
    shutil.copytree(
        REPOSITORY / "glassmaster", project.path / "glassmaster", ignore=shutil.ignore_patterns("__pycache__")
    )
    world = World(project.path, project.store, top / "home")
    world.make_launcher()
    status, said = world.run("./doit iso")
    assert status == 0, said
    return world


@pytest.fixture
def world(built: World, tmp_path: Path) -> World:
    """A copy of one's own."""
    for name, source in (("project", built.project), ("store", built.store), ("home", built.home)):
        shutil.copytree(source, tmp_path / name, symlinks=True)
    return World(tmp_path / "project", tmp_path / "store", tmp_path / "home")


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_the_commands_of_a_page_are_run_in_their_order(page: str, world: World) -> None:
    if page in PREPARATIONS:
        PREPARATIONS[page](world)
    for block in FOUND[page]:
        if block.reason:
            continue
        for command in block.commands:
            if command.startswith(ITSELF):
                continue
            status, said = world.run(command)
            expected = block.status if command == block.doits[-1] else 0
            assert status == expected, f"{page}:{block.line}: {command}: status {status}\n{said}"
            assert "Traceback" not in said, f"{page}:{block.line}: {command}\n{said}"


# ---- what is not run is at least something that there is


def test_every_command_is_one_of_ours_with_its_options(built: World) -> None:
    helps: dict[str, str] = {}
    tasks = {line.split()[0] for line in built.run("./doit list --all")[1].splitlines() if line}
    for found in FOUND.values():
        for block in found:
            for command in block.doits:
                _require_known(command, block, helps, tasks, built)


def _require_known(command: str, block: Block, helps: dict[str, str], tasks: set[str], built: World) -> None:
    words = [word for word in shlex.split(command.partition(" | ")[0], comments=True) if "GLASSMASTER_" not in word]
    name, *rest = words[1:]
    if name in tasks or name.partition(":")[0] in tasks or name == "-n":
        return
    if name not in helps:
        status, said = built.run(f"./doit help {name}")
        assert status == 0 and "USAGE" in said, f"{block.page}:{block.line}: {command}"
        helps[name] = said
    for word in rest:
        option = re.match(r"--[a-z-]+", word)
        assert option is None or option[0] in helps[name], f"{block.page}:{block.line}: {command}: no {option[0]}"


PAGE = """\
# x

    $ ./doit iso
    what it prints
    ./doit no

<!-- run: exit 1 -->

    ./doit plan
    cmp a b

    stage=x ./doit

<!-- not run: no burner -->

```
./doit burn /dev/sr0
```

```yaml
./doit: x
```
"""


def test_a_block_is_found_with_its_marker() -> None:
    found = blocks("x.md", PAGE)
    assert [(block.commands, block.status, block.reason) for block in found] == [
        (("./doit iso",), 0, ""), (("./doit plan", "cmp a b", "stage=x ./doit"), 1, ""),
        (("./doit burn /dev/sr0",), 0, "no burner"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["<!-- not run: x -->\n\n    nothing\n", "<!-- not run: x -->\n\nText.\n"])
def test_a_marker_without_a_command_is_a_mistake(text: str) -> None:
    with pytest.raises(AssertionError, match="a marker"):
        blocks("x.md", text)
