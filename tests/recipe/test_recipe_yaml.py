"""YAML as text with places: what stays text, what is refused, and that hostile files stay cheap."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.recipe.nodes import LEVELS_LIMIT, Mapped, Node, Scalar, Sequence, merged, read_yaml


def read(tmp_path: Path, text: str | bytes, name: str = "x.yaml") -> Mapped:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


def refused(tmp_path: Path, text: str | bytes) -> str:
    """The error that a file gives, with its folder taken out."""
    with pytest.raises(GlassmasterError) as caught:
        read(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


def plain(node: Node) -> object:
    """The node as lists, dictionaries and texts."""
    if isinstance(node, Mapped):
        return {key: plain(item) for key, item in node.items.items()}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else node.text


@pytest.mark.parametrize(
    "word",
    [
        "10.10", "1_000", "0777", "0o17", "0x1F", "1e3", "52:54:00:12:34:56", "12:30:45", "yes", "No", "on", "null",
        "~", "2026-01-01", "2026-01-01 12:00:00", ".inf", "-0", "=", "1.", "+1",
    ],
)  # fmt: skip
def test_every_scalar_is_the_text_that_was_typed(tmp_path: Path, word: str) -> None:
    assert plain(read(tmp_path, f"key: {word}\n")) == {"key": word}


def test_quotes_blocks_and_tags_give_text(tmp_path: Path) -> None:
    text = "a: \"\\u00fc\\n\"\nb: 'it''s'\nc: |\n  two\n  lines\nd: !!int 5\ne:\nf: !!python/object:os.system x\n"
    assert plain(read(tmp_path, text)) == {
        "a": "ü\n", "b": "it's", "c": "two\nlines\n", "d": "5", "e": "", "f": "x",
    }  # fmt: skip


def test_each_node_and_key_knows_its_line(tmp_path: Path) -> None:
    node = read(tmp_path, "# comment\na: 1\n\nb:\n  - x\n  - y: z\n")
    where = f"{tmp_path}/x.yaml"
    assert node.where == f"{where}:2"
    assert node.places == {"a": f"{where}:2", "b": f"{where}:4"}
    assert node.items["b"] == Sequence(
        (
            Scalar("x", f"{where}:5"),
            Mapped({"y": Scalar("z", f"{where}:6")}, {"y": f"{where}:6"}, f"{where}:6"),
        ),
        f"{where}:5",
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Mapped({}, {}, f"{tmp_path}/x.yaml:1")


def test_line_ends_and_marks_of_other_systems_are_read(tmp_path: Path) -> None:
    assert plain(read(tmp_path, "\ufeffa: 1\r\nb: 2\r\n")) == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: c: d\n", "x.yaml:2: this is not YAML\n  mapping values are not allowed in this context"),
        ("a: [1, 2\n", "x.yaml:2: this is not YAML"),
        ("a: 'open\n", "x.yaml:2: this is not YAML"),
        ("\ta: 1\n", "x.yaml:1: this is not YAML"),
        ("a: @b\n", "x.yaml:1: this is not YAML"),
        ("a: 1\nb: \x07\n", "x.yaml:2: this is not YAML\n  control characters are not allowed"),
        ("%YAML 9.9.9\n---\na: 1\n", "x.yaml:1: this is not YAML"),
        (b"a: 1\nb: caf\xe9\n", "x.yaml:2: this is not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "x.yaml:1: this is not UTF-8 text"),
        ("- a\n- b\n", "x.yaml:1: expected `key: value` lines at the top of the file"),
        ("just text\n", "x.yaml:1: expected `key: value` lines at the top of the file"),
        ("---\n", "x.yaml:2: expected `key: value` lines at the top of the file"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: a second YAML document begins here\n  remove the `---`"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a: stands twice\n  the first is at x.yaml:1"),
        ("a:\n  b: 1\n  b: 2\n", "x.yaml:3: b: stands twice\n  the first is at x.yaml:2"),
        ("? [a, b]\n: c\n", "x.yaml:1: a key must be a plain word"),
        ("? {a: b}\n: c\n", "x.yaml:1: a key must be a plain word"),
        ("a: *b\n", "x.yaml:1: *b: there is no &b before it"),
        ("a: &b\n  - 1\n  - *b\n", "x.yaml:3: *b: an alias contains itself"),
        ("&top\na: {b: *top}\n", "x.yaml:2: *top: an alias contains itself"),
        ('a: "x\\0y"\n', "x.yaml:1: a NUL character cannot be part of a value"),
    ],
)
def test_what_is_no_yaml_of_ours_is_refused_with_its_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert refused(tmp_path, text).startswith(message)


def test_a_missing_file_and_a_folder_are_errors_for_people(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match=r"x\.yaml: there is no such file"):
        read_yaml(tmp_path / "x.yaml")
    with pytest.raises(GlassmasterError, match="cannot be read") as caught:
        read_yaml(tmp_path)
    assert "Is a directory" in caught.value.why
    with pytest.raises(GlassmasterError, match="cannot be read"):
        read_yaml(tmp_path / ("n" * 300))


def test_an_alias_is_the_same_node_again(tmp_path: Path) -> None:
    node = read(tmp_path, "a: &x {k: v}\nb: *x\nc: &x 2\nd: *x\n")
    assert node.items["b"] is node.items["a"]
    assert plain(node.items["d"]) == "2"


def laughs(levels: int) -> str:
    """Each key holds the one before it nine times."""
    lines = ["k0: &k0 {x: lol}"]
    for level in range(1, levels):
        names = ", ".join(f"n{n}: *k{level - 1}" for n in range(9))
        lines.append(f"k{level}: &k{level} {{{names}}}")
    return "\n".join(lines) + "\n"


def test_an_alias_bomb_stays_as_small_as_its_file(tmp_path: Path) -> None:
    """Nine to the power of thirty copies would not fit anywhere: the test ends, so none is made."""
    node = read(tmp_path, laughs(30))
    distinct: set[int] = set()

    def count(item: Node) -> None:
        if id(item) not in distinct and isinstance(item, Mapped):
            distinct.add(id(item))
            for below in item.items.values():
                count(below)

    count(node)
    assert len(distinct) == 31


def test_two_alias_bombs_are_merged_without_going_off(tmp_path: Path) -> None:
    both = merged(read(tmp_path, laughs(30)), read(tmp_path, laughs(30), "y.yaml"))
    assert both.items["k5"] is not None
    inner = both.items["k29"]
    assert isinstance(inner, Mapped)
    assert inner.items["n0"] is inner.items["n8"]


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 200_000,
        "a: " + "[" * 200_000 + "]" * 200_000,
        "a: " + "{b: " * 200_000,
        "a:\n" + "- " * 200_000 + "x",
        "? " * 200_000 + "x",
    ],
)
def test_deep_nesting_is_an_error_and_no_stack_overflow(tmp_path: Path, text: str) -> None:
    assert f"nested more than {LEVELS_LIMIT} levels deep" in refused(tmp_path, text)


def test_nesting_by_aliases_is_an_error_where_files_are_merged(tmp_path: Path) -> None:
    links = "\n".join(f"- &k{level} {{n: *k{level - 1}}}" for level in range(1, 2000))
    lower = read(tmp_path, f"links:\n- &k0 {{}}\n{links}\ntop: *k1999\n")
    with pytest.raises(GlassmasterError, match=r"x\.yaml:\d+: nested more than"):
        merged(lower, lower)


def test_merging_goes_into_mappings_and_replaces_everything_else(tmp_path: Path) -> None:
    lower = read(tmp_path, "a: {x: 1, y: 2}\nb: [1, 2]\nc: old\nd: {z: 1}\ne: kept\n", "lower.yaml")
    upper = read(tmp_path, "\na: {y: 3, w: 4}\nb: [3]\nc: new\nd: plain\nf: added\n", "upper.yaml")
    both = merged(lower, upper)
    assert plain(both) == {
        "a": {"x": "1", "y": "3", "w": "4"}, "b": ["3"], "c": "new", "d": "plain", "e": "kept", "f": "added",
    }  # fmt: skip
    assert both.places["a"] == f"{tmp_path}/upper.yaml:2"
    assert both.places["e"] == f"{tmp_path}/lower.yaml:5"
    assert plain(lower) == {"a": {"x": "1", "y": "2"}, "b": ["1", "2"], "c": "old", "d": {"z": "1"}, "e": "kept"}
