"""Pages escape what they show, refuse to leave a hole, and need nothing from the network."""

from __future__ import annotations

import re

import jinja2
import pytest

from pipelines.reporting import pages


def page(source: str, **values: object) -> str:
    return pages._environment().from_string(source).render(**values)


BASE = '{% extends "reporting/base.html.j2" %}{% block title %}{{ name }}{% endblock %}'


def test_a_hostile_cell_is_shown_and_not_run() -> None:
    html = page(BASE, name="<script>alert(1)</script>")
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2  # <title> and <h1>


def test_a_value_that_was_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="name"):
        page(BASE)


def test_an_unknown_template_is_an_error() -> None:
    with pytest.raises(jinja2.TemplateNotFound):
        pages.render("reporting/nowhere.html.j2")


def test_the_base_fetches_nothing() -> None:
    html = page(BASE, name="flights")
    assert "--paper" in html  # the style sheet is inside
    assert not re.search(r"https?://|<link|<script|@import|url\(", html)


def test_parts_show_what_they_are_given() -> None:
    html = page(
        '{% extends "reporting/base.html.j2" %}{% block title %}t{% endblock %}{% block content %}'
        '{{ parts.verdict("bad", "Refused", "two <rules> failed") }}'
        '{{ parts.figures([("rows", 336776 | count, none), ("bad", 0.25 | share, "of all")]) }}'
        '{{ parts.badge("good", "held") }}{{ parts.meter(0.00001, "warn") }}'
        "{% endblock %}"
    )
    assert 'class="verdict bad"' in html
    assert "two &lt;rules&gt; failed" in html
    assert "336\N{NARROW NO-BREAK SPACE}776" in html
    assert 'class="badge good">held<' in html
    assert "width:0.80%" in html  # a tiny share is still seen
