"""Templates: what is wrong, in which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.template import render_file


def render(tmp_path: Path, text: str | bytes) -> bytes:
    path = tmp_path / "rc.conf.j2"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return render_file(path, {"name": "ünï", "vars": {"host": "a&b"}})


def test_renders_without_touching_newlines_or_quoting(tmp_path: Path) -> None:
    text = "a={{ vars.host }}\n{% if name %}\nname={{ name }}\n{% endif %}\n\n"
    assert render(tmp_path, text) == "a=a&b\nname=ünï\n\n".encode()
    assert render(tmp_path, "no newline") == b"no newline"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("one\n{% if %}\n", 2, "the template is broken"),
        ("one\n\n{% if name %}\n", 3, "the template is broken"),
        ("one\n{{ nmae }}\n", 2, "'nmae' is undefined"),
        ("one\n\n{{ vars.hots }}\n", 3, "has no attribute 'hots'"),
        ("{% for x in [1] %}\n{{ x }}\n{{ missing }}\n{% endfor %}", 3, "'missing' is undefined"),
        ("one\n{{ 1 / 0 }}\n", 2, "the template failed"),
        ("one\n{% include 'other' %}\n", 2, "the template failed"),
        ("one\n{{ name|nofilter }}\n", 2, "the template is broken"),
        ("one\n{{ [1, 2]|random }}\n", 2, "the template is broken"),
        ("one\n{{ lipsum() }}\n", 2, "'lipsum' is undefined"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        render(tmp_path, text)
    assert caught.value.what.startswith(f"{tmp_path / 'rc.conf.j2'}:{line}: ")
    assert what in caught.value.what


def test_an_exception_inside_is_named(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError) as caught:
        render(tmp_path, "{{ 1 / 0 }}")
    assert caught.value.why == "ZeroDivisionError: division by zero"


def test_an_undefined_variable_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError) as caught:
        render(tmp_path, "{{ nmae }}")
    assert caught.value.hint == "known here: name, vars"


def test_a_template_that_is_not_utf_8(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match=r"rc\.conf\.j2: the template is not UTF-8 text"):
        render(tmp_path, b"caf\xe9")


def test_output_that_is_not_unicode(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError, match=r"rc\.conf\.j2:\d+: the template failed"):
        render(tmp_path, r"{{ '\ud800' }}")
