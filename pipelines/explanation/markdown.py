"""A model card as Markdown, in which values of the data are never markup."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.evaluation.report import Section


def render(title: str, card: Sequence[Section]) -> str:
    """The card as a Markdown file."""
    lines = [f"# Model card: {_plain(title)}"]
    for section in card:
        lines += ["", f"## {section.title}"]
        for paragraph in section.paragraphs:
            lines += ["", _plain(paragraph)]
        if section.items:
            lines += ["", *(f"- {_plain(item)}" for item in section.items)]
        if section.rows:
            lines += ["", _row(section.header), _row(["---"] * len(section.header))]
            lines += [_row([_plain(cell) for cell in row]) for row in section.rows]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: a category of the data must not become markup."""
    for mark in "\\`*<|[":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
