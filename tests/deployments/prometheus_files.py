"""The files of deployments/prometheus/ as they are, and what names their expressions use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deployments" / "prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
TESTS = sorted((Path(__file__).parent / "prometheus").glob("*.yml"))
HOW_TO = ROOT / "docs" / "how-to" / "alerts.md"

# What is no name of a metric in an expression.
_STRINGS = re.compile(r'"[^"]*"')
_SELECTORS = re.compile(r"\{[^{}]*\}")
_GROUPINGS = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_DURATIONS = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_WORDS = {"and", "or", "unless", "bool", "group_left", "group_right", "offset"}
_LABEL = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')


def groups() -> Iterator[dict[str, Any]]:
    for path in RULE_FILES:
        yield from yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]


def rules(kind: str) -> list[dict[str, Any]]:
    """All rules that `alert`, or all that `record`."""
    return [rule for group in groups() for rule in group["rules"] if kind in rule]


def scrape_configs() -> list[dict[str, Any]]:
    text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text)["scrape_configs"])


def dashboard() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8")))


def panels() -> list[dict[str, Any]]:
    """All but rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    """Of rules and of the dashboard."""
    found = [rule["expr"] for kind in ("alert", "record") for rule in rules(kind)]
    found += [target["expr"] for panel in panels() for target in panel["targets"]]
    found += [each["expr"] for each in dashboard()["annotations"]["list"]]
    return found


def metrics(expression: str) -> set[str]:
    """The names of the metrics that an expression reads."""
    bare = _SELECTORS.sub(" ", _STRINGS.sub('""', expression))
    bare = _DURATIONS.sub(" ", _GROUPINGS.sub(" ", bare))
    found = set()
    for name in _NAME.finditer(bare):
        is_called = bare[name.end() :].lstrip().startswith("(")
        # `sum by (model) (...)` is left as `sum   (...)` by now.
        if not is_called and name[0] not in _WORDS:
            found.add(name[0])
    return found


def labels(expression: str) -> list[tuple[str, str]]:
    """The labels that an expression selects by, with their values or patterns."""
    return _LABEL.findall(expression)
