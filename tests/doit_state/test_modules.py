"""Which code a step runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glassmaster.doit_plugins.modules import Code

if TYPE_CHECKING:
    from tests.doit_state.conftest import Project

FILES = {
    "__init__.py": "",
    "steps.py": """\
        from __future__ import annotations
        from typing import TYPE_CHECKING
        import demo.packing
        from demo import writing as paper
        from demo.words import LIMIT
        if TYPE_CHECKING:
            from demo.typing_only import Shape

        SIZE = LIMIT

        def helper():
            return SIZE

        def pack(shape: Shape):
            return demo.packing.pack(helper())

        def write():
            import yaml
            from .late import late
            return paper.write(late)
        """,
    "packing.py": "from . import deep\nfrom pathlib import Path\nT = Path(__file__).with_name('menu.j2')\n",
    "writing.py": "from .deep import inner\n",
    "words.py": "LIMIT = 1\n",
    "late.py": "late = 1\n",
    "typing_only.py": "Shape = int\n",
    "deep/__init__.py": "",
    "deep/inner.py": "DATA = __file__ + '/../data'\nNAME = 'data'\n",
    "deep/data/x.txt": "data",
    "menu.j2": "menu",
    "unused.py": "",
}
Write = Callable[[str, str], Path]


@pytest.fixture
def demo(project: Project, monkeypatch: pytest.MonkeyPatch) -> Write:
    """A package `demo` to import from; returns how to write its files."""
    for name, text in FILES.items():
        project.write(f"demo/{name}", text)
    monkeypatch.syspath_prepend(str(project.path))
    sys.modules.pop("demo", None)
    return lambda name, text: project.write(f"demo/{name}", text)


def names(function: str) -> set[str]:
    return {name for name in Code("demo.steps", function).key_value() if not name.startswith("library.")}


def test_a_step_is_what_it_imports(demo: Write) -> None:
    assert names("pack") == {"demo", "demo.steps", "demo.packing", "demo.deep", "demo.words"}
    assert names("write") == {"demo", "demo.steps", "demo.writing", "demo.deep", "demo.deep.inner", "demo.late"}
    libraries = {name for name in Code("demo.steps", "write").key_value() if name.startswith("library.")}
    assert libraries == {"library.yaml", "library.python"}
    assert "library.yaml" not in Code("demo.steps", "pack").key_value()


@pytest.mark.parametrize(("changed", "steps"), [
    ("packing.py", {"pack"}), ("writing.py", {"write"}), ("words.py", {"pack"}), ("late.py", {"write"}),
    ("menu.j2", {"pack"}), ("deep/__init__.py", {"pack", "write"}), ("deep/inner.py", {"write"}),
    ("deep/data/x.txt", {"write"}), ("deep/data/new.txt", {"write"}), ("__init__.py", {"pack", "write"}),
    ("typing_only.py", set()), ("unused.py", set()),
])  # fmt: skip
def test_a_change_counts_for_the_steps_that_can_reach_it(demo: Write, changed: str, steps: set[str]) -> None:
    before = {name: Code("demo.steps", name).key_value() for name in ("pack", "write")}
    demo(changed, FILES.get(changed, "") + "\n# changed\n")
    after = {name: Code("demo.steps", name).key_value() for name in ("pack", "write")}
    assert {name for name in before if before[name] != after[name]} == steps


@pytest.mark.parametrize(("old", "new", "steps"), [
    ("return SIZE", "return SIZE + 1", {"pack"}),
    ("SIZE = LIMIT", "SIZE = LIMIT * 2", {"pack"}),
    ("return paper", "return 2, paper", {"write"}),
    ("SIZE = LIMIT", "SIZE = LIMIT\nprint('what a module does when it is imported')", {"pack", "write"}),
    ("SIZE = LIMIT", "SIZE = LIMIT\nOTHER = 1", set()),
    ("def helper", "@staticmethod\ndef helper", {"pack"}),
        ("SIZE = LIMIT", "SIZE = LIMIT\n@registered\ndef other(): pass", {"pack", "write"}),
])  # fmt: skip
def test_of_its_own_module_only_what_the_step_reaches(demo: Write, old: str, new: str, steps: set[str]) -> None:
    before = {name: Code("demo.steps", name).key_value() for name in ("pack", "write")}
    text = FILES["steps.py"]
    indented = new.replace("\n", "\n" + " " * 8)
    assert old in text
    demo("steps.py", text.replace(old, indented))
    after = {name: Code("demo.steps", name).key_value() for name in ("pack", "write")}
    assert {name for name in before if before[name] != after[name]} == steps


def test_a_module_that_is_not_there(demo: Write) -> None:
    with pytest.raises(LookupError, match=r"no module demo\.none"):
        Code("demo.none", "pack").key_value()
    with pytest.raises(LookupError, match="no function none"):
        Code("demo.steps", "none").key_value()


def test_the_real_steps_reach_what_they_should() -> None:
    iso = Code("glassmaster.steps", "make_iso").key_value()
    sets = Code("glassmaster.steps", "make_set_layers").key_value()
    assert "glassmaster.images.iso" in iso and "glassmaster.images.iso" not in sets
    assert "glassmaster.inputs.sets" in sets and "glassmaster.inputs.sets" not in iso
    assert "library.pycdlib" in iso and "library.pycdlib" not in sets
    assert not any(name in {**iso, **sets} for name in ("glassmaster.present", "glassmaster.tasks"))
