"""Pages of one file: templates with everything inlined, and a policy that forbids the browser to load anything else."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from collections.abc import Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from glassmaster.doit_plugins.summary import size_text
from glassmaster.errors import readable
from glassmaster.pages.timeline import timeline
from glassmaster.pages.treemap import treemap, treemaps
from glassmaster.pages.units import change_text

ROOM = "glassmaster.pages"
STYLE, SCRIPT = "page.css", "page.js"


def render(template: str, *, package: str = ROOM, script: str = "", style: str = "", **values: Any) -> str:
    """A page from a template of `package`, which extends page.html.j2 and may import parts.html.j2.

    script, style: names of files of `package` that the page has beside those which every page has.
    Values are escaped, and their characters that are not printable are shown as escapes. Same values, same text.
    """
    styles = [_file(ROOM, STYLE), *([_file(package, style)] if style else [])]
    scripts = [_file(ROOM, SCRIPT), *([_file(package, script)] if script else [])]
    text = _environment(package).get_template(template).render(
        **values, policy=_policy(styles, scripts), styles=[*map(Markup, styles)], scripts=[*map(Markup, scripts)],
    )  # fmt: skip
    return text.encode("utf-8", "backslashreplace").decode()


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """A Content-Security-Policy: nothing is loaded, and no script runs but those that are known by their digests.

    A name of a file that found its way past the escapes would still be no program.
    """
    return (
        f"default-src 'none'; img-src data:; style-src {_digests(styles)}; script-src {_digests(scripts)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digests(texts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


@functools.cache
def _file(package: str, name: str) -> str:
    return importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _environment(package: str) -> jinja2.Environment:
    loaders = [jinja2.PackageLoader(name, ".") for name in dict.fromkeys((package, ROOM))]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, finalize=_shown,
    )  # fmt: skip
    # Same values, same page: without what Jinja2 has of chance.
    del environment.filters["random"], environment.globals["lipsum"]
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    environment.filters |= {"bytes": size_text, "change": change_text}
    environment.globals |= {"treemap": treemap, "treemaps": treemaps, "timeline": timeline}
    return environment


def _shown(value: Any) -> Any:
    """Names are often somebody else's: what is not printable, such as a change of writing's direction, as an escape."""
    return readable(value) if type(value) is str else value
