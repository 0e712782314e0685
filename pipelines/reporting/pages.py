"""Fill a template; equal values give equal bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.reporting import formats

# Templates are named by their path below `pipelines/`: "validation/index.html.j2".
_TEMPLATES = Path(__file__).resolve().parent.parent


def render(template: str, **values: object) -> str:
    """The page of a template below `pipelines/`, for example "validation/index.html.j2".

    Every value is escaped: cells of somebody's data are shown, never run.

    Raises:
        jinja2.UndefinedError: the template uses a value that was not given.
        jinja2.TemplateNotFound: there is no such template.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        # A misspelt name must not become an empty cell that reads like "nothing found".
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shown: dict[str, Any] = {
        "count": formats.count,
        "share": formats.share,
        "number": formats.number,
    }
    environment.filters.update(shown)
    return environment
