"""Jinja2 templates with errors for people."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from glassmaster.errors import GlassmasterError

TEMPLATE_SUFFIX = ".j2"


def render_file(path: Path, context: Mapping[str, Any]) -> bytes:
    """Render a template; an undefined variable or a syntax error is a GlassmasterError with ``file:line``."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True,
        autoescape=False,  # configuration files and scripts, not HTML
    )  # fmt: skip
    # Same inputs, same output: without what Jinja2 has of chance.
    del environment.filters["random"], environment.globals["lipsum"]
    try:
        source = path.read_text(encoding="utf-8")
        code = environment.compile(source, filename=str(path))
        text = jinja2.Template.from_code(environment, code, environment.make_globals(None)).render(context)
        return text.encode("utf-8")
    except jinja2.TemplateSyntaxError as error:
        raise GlassmasterError(f"{path}:{error.lineno}: the template is broken", why=error.message or "") from error
    except UnicodeDecodeError as error:
        raise GlassmasterError(f"{path}: the template is not UTF-8 text", why=str(error)) from error
    except jinja2.UndefinedError as error:
        hint = f"known here: {', '.join(sorted(context))}"
        raise GlassmasterError(f"{path}:{_line(error, path)}: {error.message}", hint=hint) from error
    except Exception as error:
        # A template is the user's code: whatever it raises is a mistake in the template.
        raise GlassmasterError(
            f"{path}:{_line(error, path)}: the template failed", why=f"{type(error).__name__}: {error}"
        ) from error


def _line(error: Exception, path: Path) -> int:
    """The template's line where it happened: Jinja2 rewrites tracebacks to show it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return (lines[-1] if lines else None) or 1
