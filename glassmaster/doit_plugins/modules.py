"""The version of the code that a step runs: the modules of the project that it can reach by imports, found statically.

Followed are all import statements, also those inside functions, but for ``if TYPE_CHECKING``. Not followed are imports
by a computed name. A module counts whole; the module of the step itself counts only by those of its top-level
statements that the step's function reaches by name, so that steps can lie side by side in one module. With a module
count the files beside it that it names (see `_data_files`), and of other libraries the versions that are installed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glassmaster.doit_plugins.digests import DIGESTS
from glassmaster.doit_plugins.keys import SHORT

# Change this with whatever `_facts` returns: it is kept between runs.
KIND = "modules-1"
# One top-level statement: names it binds, names it uses, [module, name] that it imports, a digest of its text.
# A statement that does more than bind names is always reached.
Statement = dict[str, Any]
LONGEST_NAME = 100
# Decorators that do nothing but wrap. Any other may register what it decorates, where no name leads to it.
PURE_DECORATORS = ("dataclass", "dataclasses", "functools", "contextmanager", "contextlib", "staticmethod", "final")


class Code:
    """A Part: {module: digest, …, "library.NAME": version} for a function of a module, given by name; not imported."""

    def __init__(self, module: str, function: str) -> None:
        self._module = module
        self._function = function
        self._project = module.partition(".")[0]
        self._root = _package_folder(self._project)

    def key_value(self) -> dict[str, str]:
        """The versions, by name."""
        value: dict[str, str] = {}
        libraries: set[str] = set()
        todo: list[str] = []

        def follow(imports: list[list[str]]) -> None:
            for module, name in imports:
                if module.partition(".")[0] != self._project:
                    libraries.add(module.partition(".")[0])
                else:
                    todo.extend(self._modules(module, name))

        path = self._file(self._module)
        if path is None:
            raise LookupError(f"there is no module {self._module} in {self._root.parent}")
        facts = DIGESTS.derived(str(path), KIND, _facts)
        reached = list(_reached(facts, self._function))
        text = "\n".join(statement["digest"] for statement in reached)
        value[self._module] = hashlib.sha256(text.encode()).hexdigest()[:SHORT]
        for statement in reached:
            follow(_absolute(statement["imports"], self._module, path))
        todo += _parents(self._module)
        while todo:
            module = todo.pop()
            path = self._file(module)
            if module in value or path is None:
                continue
            value[module] = _with_data(path)
            for statement in DIGESTS.derived(str(path), KIND, _facts)["statements"]:
                follow(_absolute(statement["imports"], module, path))
            todo += _parents(module)
        versions = _versions()
        library = {f"library.{name}": versions[name] for name in libraries if name in versions}
        return dict(sorted({**value, **library, "library.python": sys.version.split()[0]}.items()))

    def _file(self, module: str) -> Path | None:
        base = self._root.joinpath(*module.split(".")[1:])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
        return None

    def _modules(self, module: str, name: str) -> list[str]:
        """``from module import name``: the name may be a module itself."""
        inner = f"{module}.{name}"
        return [module, inner] if name and self._file(inner) else [module]


def _package_folder(project: str) -> Path:
    spec = importlib.util.find_spec(project)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"there is no package {project}")
    return Path(next(iter(spec.submodule_search_locations)))


def _parents(module: str) -> list[str]:
    """Packages whose __init__ runs first."""
    words = module.split(".")
    return [".".join(words[:count]) for count in range(1, len(words))]


def _absolute(imports: list[list[Any]], module: str, path: Path) -> list[list[str]]:
    """[level, module, name] to [module, name]."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = []
    for level, name, member in imports:
        above = package[: len(package) - level + 1] if level else []
        found.append([".".join([*above, *filter(None, [name])]), member])
    return found


def _facts(source: bytes) -> dict[str, Any]:
    """What is kept of a module: its top-level statements, and the strings that may name files beside it."""
    tree = ast.parse(source)
    lines = source.splitlines()
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    strings: set[str] = set()
    if "__file__" in names:
        values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        strings = {value for value in values if isinstance(value, str) and _may_be_name(value)}
    return {"statements": [_statement(node, lines) for node in tree.body], "strings": sorted(strings)}


def _may_be_name(value: str) -> bool:
    return (
        0 < len(value) <= LONGEST_NAME and value.isprintable()
        and value not in (".", "..") and not value.startswith("/") and "*" not in value and " " not in value
    )  # fmt: skip


def _statement(node: ast.stmt, lines: list[bytes]) -> Statement:
    binds, always = _bound(node)
    walked = list(_walk(node))
    first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
    text = b"\n".join(lines[first - 1 : node.end_lineno])
    return {
        "binds": sorted(binds),
        "uses": sorted({item.id for item in walked if isinstance(item, ast.Name)}),
        "imports": sorted(pair for item in walked for pair in _imports(item)),
        "digest": hashlib.sha256(text).hexdigest()[:SHORT],
        "always": always,
    }


def _bound(node: ast.stmt) -> tuple[set[str], bool]:
    """The names that a statement binds; whether it may do more than that."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}, not all(ast.unparse(item).startswith(PURE_DECORATORS) for item in node.decorator_list)
        case ast.Import(names=names):
            return {item.asname or item.name.partition(".")[0] for item in names}, False
        case ast.ImportFrom(module="__future__"):
            return set(), True
        case ast.ImportFrom(names=names):
            return {item.asname or item.name for item in names}, any(item.name == "*" for item in names)
        case ast.Assign(targets=targets):
            plain = {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
            return plain, not all(isinstance(target, ast.Name | ast.Tuple) for target in targets)
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}, False
        case ast.Expr(value=ast.Constant()):  # a docstring
            return set(), False
        case ast.If(test=test) if _is_type_checking(test):
            return set(), False
    return set(), True


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a statement but what only type checkers see."""
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        for item in node.orelse:
            yield from _walk(item)
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _imports(node: ast.AST) -> list[list[Any]]:
    """[level, module, name] for each name that is imported; level as in ast.ImportFrom."""
    match node:
        case ast.Import(names=names):
            return [[0, item.name, ""] for item in names]
        case ast.ImportFrom(level=level, module=module, names=names):
            return [[level, module or "", item.name] for item in names]
    return []


def _reached(facts: dict[str, Any], function: str) -> Iterator[Statement]:
    """The statements that a function needs, in the order of the module."""
    statements = facts["statements"]
    binding: dict[str, list[int]] = {}
    for number, statement in enumerate(statements):
        for name in statement["binds"]:
            binding.setdefault(name, []).append(number)
    if function not in binding:
        raise LookupError(f"there is no function {function}")
    todo = [*binding[function], *(number for number, item in enumerate(statements) if item["always"])]
    reached: set[int] = set()
    while todo:
        number = todo.pop()
        if number not in reached:
            reached.add(number)
            todo += [other for name in statements[number]["uses"] for other in binding.get(name, [])]
    for number in sorted(reached):
        yield statements[number]


def _with_data(path: Path) -> str:
    """The digest of a module, and of the data files that belong to it."""
    own = DIGESTS.digest(str(path))
    data = [f"{file.relative_to(path.parent)} {DIGESTS.digest(str(file))}" for file in _data_files(path)]
    return hashlib.sha256("\n".join([own, *data]).encode()).hexdigest()[:SHORT] if data else own[:SHORT]


def _data_files(path: Path) -> list[Path]:
    """The files beside a module, or in folders beside it, that it names in a string, if it says ``__file__`` at all."""
    found: set[Path] = set()
    for name in DIGESTS.derived(str(path), KIND, _facts)["strings"]:
        beside = path.parent / name
        if beside.is_dir():
            found.update(file for file in beside.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        elif beside.is_file() and beside.suffix != ".py":
            found.add(beside)
    return sorted(found)


def _versions() -> dict[str, str]:
    """Versions of the installed libraries by the name that one imports. Installing one changes its folder's times."""
    folders = [Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    times = [f"{folder} {folder.stat().st_ctime_ns}" for folder in folders if folder.is_dir()]
    versions: dict[str, str] = DIGESTS.kept(sys.prefix, "libraries-1", "\n".join(times), _read_versions)
    return versions


def _read_versions() -> dict[str, str]:
    return {
        name: ", ".join(sorted({f"{item} {importlib.metadata.version(item)}" for item in distributions}))
        for name, distributions in importlib.metadata.packages_distributions().items()
    }
