"""Converters of single values, and the conversion of nodes by the types of fields."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.recipe import values
from glassmaster.recipe.convert import build
from glassmaster.recipe.nodes import read_yaml
from glassmaster.recipe.setting import setting

fixed = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1767225600", 1767225600),
        ("2026-01-01", 1767225600),
        ("2026-01-01T00:00:00", 1767225600),
        ("2026-01-01 01:00:00+01:00", 1767225600),
        ("2026-01-01T00:00:00Z", 1767225600),
        ("1970-01-01", 0),
        ("2155-12-31T23:59:59", 5869583999),
    ],
)
def test_epochs(text: str, seconds: int) -> None:
    assert values.epoch(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "-1", "1969-12-31", "2156-01-01", "5869584000", "yesterday", "2026-13-01", "2026-02-30", "1.5", "0x10",
        "1_000", "٣", "9" * 5000, "12:00", "2026-01-01T00:00:00+99:00", "0001-01-01T00:00:00+23:59", "\ud800",
    ],
)  # fmt: skip
def test_bad_epochs(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|a disc"):
        values.epoch(text)


@fixed
@given(st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2155, 12, 31)))
def test_a_date_and_its_seconds_are_the_same_epoch(moment: datetime.datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=datetime.UTC)
    assert values.epoch(moment.isoformat()) == values.epoch(str(int(moment.timestamp())))


@pytest.mark.parametrize(
    ("text", "size"), [("cd74", 681_984_000), ("cd80", 737_280_000), ("dvd", 4_707_319_808), ("1000", 1000)]
)
def test_media_budgets(text: str, size: int) -> None:
    assert values.media_budget(text) == size


@pytest.mark.parametrize(
    ("convert", "bad"),
    [
        (values.media_budget, ["", "0", "-5", "bluray", "CD74", "1e9", "9" * 5000, "٣"]),
        (values.volume_id, ["", "lower", "A" * 33, "A-B", "A B", "Ä", "A\n"]),
        (values.plain_words, ["", ".", "..", ".hidden", "-x", "a/b", "a b", "ä", "a\n", "a" * 101, "a\0"]),
        (values.pattern, ["(", "[", "*", "a{99999999999}", "(" * 5000, "(?P<1>x)", "\\"]),
        (values.whole(0), ["", "-1", "+1", "1.0", "1_000", "٣", " 1", "0x1", "yes", "9" * 5000]),
        (values.whole(1), ["0", "-1"]),
        (values.one_line, ["a\nb", "a\tb", "\x1b[0m", "\x7f", "\u2028", "a\0b"]),
        (values.arguments, ["a\nb", "ü", "\t"]),
        (values.mirror, ["", "ftp://example.org/", "/srv/mirror", "example.org", "https", "http://a\nb"]),
    ],
)
def test_bad_values(convert: Callable[[str], object], bad: list[str]) -> None:
    for text in bad:
        with pytest.raises(ValueError, match=r"expected|not a regular expression"):
            convert(text)


@pytest.mark.parametrize(
    ("convert", "good"),
    [
        (values.volume_id, ["A", "A" * 32, "NETBSD_10_1"]),
        (values.plain_words, ["etc", "XEN3_DOM0", "10.1", "xen-hypervisor-4.17-amd64", "a" * 100, "0+1"]),
        (values.pattern, ["", "a.*b", r"^\[ *\d"]),
        (values.one_line, ["", "Grüße aus Köln", "a  b"]),
        (values.arguments, ["", "console=com1 com1=115200,8n1", "-s"]),
        (values.mirror, ["https://cdn.netbsd.org/pub/NetBSD", "file:///srv", "http://[::1]:8080/"]),
    ],
)
def test_good_values_stay_as_they_are(convert: Callable[[str], str], good: list[str]) -> None:
    assert [convert(text) for text in good] == good


def test_whole_numbers() -> None:
    assert [values.whole(0)(text) for text in ("0", "007", "123456789012345678")] == [0, 7, 123456789012345678]


@fixed
@given(st.text(st.characters(exclude_categories=())))
def test_a_converter_gives_a_value_or_a_value_error(text: str) -> None:
    for convert in (
        values.epoch, values.media_budget, values.volume_id, values.plain_words, values.pattern, values.whole(1),
        values.one_line, values.arguments, values.mirror,
    ):  # fmt: skip
        try:
            convert(text)
        except ValueError as error:
            assert str(error)


@dataclass(frozen=True)
class Inner:
    """A mapping in a mapping."""

    word: str = setting("A word.")


@dataclass(frozen=True)
class Sample:
    """One field of every type."""

    text: str = setting("Text.", default="")
    number: int = setting("A number.", default=0)
    truth: bool = setting("Yes or no.", default=False)
    choice: Literal["bios", "uefi"] = setting("A choice.", default="bios")
    choices: tuple[Literal["bios", "uefi"], ...] = setting("Choices.", default=())
    words: tuple[str, ...] = setting("Words.", default=())
    plain: tuple[str, ...] = setting("Plain words.", default=(), convert=values.plain_words)
    named: Mapping[str, str] = setting("Named texts.", default_factory=dict)
    inner: Inner = setting("A mapping.", default_factory=lambda: Inner(word="default"))  # noqa: RUF009
    inners: tuple[Inner, ...] = setting("Mappings.", default=())
    maybe: Inner | None = setting("Perhaps a mapping.", default=None)  # noqa: RUF009
    limit: int | None = setting("Perhaps a number.", default=3)


def sample(tmp_path: Path, text: str) -> Sample:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    return build(Sample, read_yaml(tmp_path / "x.yaml"))


def test_nothing_given_means_the_defaults(tmp_path: Path) -> None:
    assert sample(tmp_path, "") == Sample()


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("text: 10.10", "text", "10.10"),
        ("text: 52:54:00:12:34:56", "text", "52:54:00:12:34:56"),
        ("text: yes", "text", "yes"),
        ("text: 0777", "text", "0777"),
        ("text: null", "text", "null"),
        ("text:", "text", ""),
        ("number: 0777", "number", 777),
        ("number: -3", "number", -3),
        ("truth: yes", "truth", True),
        ("truth: True", "truth", True),
        ("truth: ON", "truth", True),
        ("truth: no", "truth", False),
        ("truth: false", "truth", False),
        ("truth: Off", "truth", False),
        ("choice: uefi", "choice", "uefi"),
        ("choices: [uefi, bios]", "choices", ("uefi", "bios")),
        ("words: [1.10, no]", "words", ("1.10", "no")),
        ("words: []", "words", ()),
        ("plain: [a, b]", "plain", ("a", "b")),
        ("named: {a: 1, b: 0x1}", "named", {"a": "1", "b": "0x1"}),
        ("inner: {word: x}", "inner", Inner(word="x")),
        ("inners: [{word: x}, {word: y}]", "inners", (Inner(word="x"), Inner(word="y"))),
        ("maybe: {word: x}", "maybe", Inner(word="x")),
        ("maybe: ~", "maybe", None),
        ("maybe: null", "maybe", None),
        ("maybe:", "maybe", None),
        ("limit: null", "limit", None),
        ("limit: 5", "limit", 5),
    ],
)
def test_every_type(tmp_path: Path, line: str, field: str, value: object) -> None:
    assert getattr(sample(tmp_path, line), field) == value


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("text: [a]", "text: expected one value"),
        ("text: {a: b}", "text: expected one value"),
        ("number: five", "number: 'five' cannot be used\n  expected a whole number"),
        ("number: 1.5", "number: '1.5' cannot be used\n  expected a whole number"),
        ("number:", "number: '' cannot be used\n  expected a whole number"),
        ("truth: 1", "truth: '1' cannot be used\n  expected yes or no"),
        ("choice: grub", "choice: 'grub' cannot be used\n  expected one of bios, uefi"),
        ("choices: [bios, grub]", "choices[1]: 'grub' cannot be used\n  expected one of bios, uefi"),
        ("choices: bios", "choices: expected a list"),
        ("words: {a: b}", "words: expected a list"),
        ("words: [[a]]", "words[0]: expected one value"),
        ("plain: [a, b/c]", "plain[1]: 'b/c' cannot be used\n  expected up to 100 letters"),
        ("named: [a]", "named: expected `key: value` lines"),
        ("named: {a: [b]}", "named.a: expected one value"),
        ("inner: x", "inner: expected `key: value` lines"),
        ("inner: {}", "inner.word: is missing\n  it says: A word."),
        ("inners: [{word: x}, {wrd: y}]", "inners[1].wrd: there is no such setting\n  did you mean inners[1].word?"),
        ("maybe: [x]", "maybe: expected `key: value` lines"),
        ("limit: many", "limit: 'many' cannot be used\n  expected a whole number"),
        ("txt: a", "txt: there is no such setting\n  did you mean text?"),
        ("qqq: a", "qqq: there is no such setting\n  known here: choice, choices, inner"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        sample(tmp_path, f"# line 1\n{line}\n")
    assert str(caught.value).startswith(f"{tmp_path}/x.yaml:2: {message}")


def test_a_list_of_many_lines_names_the_line_of_the_item(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError) as caught:
        sample(tmp_path, "plain:\n  - a\n\n  - b c\n")
    assert caught.value.what == f"{tmp_path}/x.yaml:4: plain[1]: 'b c' cannot be used"
