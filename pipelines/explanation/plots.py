"""The plots of an attribution, from the numbers in attribution.json."""

from __future__ import annotations

from typing import Any

from pipelines.reporting import formats, plots

_MOST_FEATURES = 15
_MOST_STEPS = 8


def all_of(attribution: dict[str, Any]) -> dict[str, str]:
    """Every plot by name, as SVG: one of all rows, one of each example; none without SHAP."""
    if attribution["method"] != "shap":
        return {}
    found = {"attribution": features(attribution["features"])}
    for number, each in enumerate(attribution["examples"], start=1):
        found[f"example_{number}"] = example(each, attribution["answer"])
    return found


def features(rows: list[dict[str, Any]]) -> str:
    """How far each feature moves the answer on average, the furthest first."""
    shown = rows[:_MOST_FEATURES][::-1]
    height = max(2.0, 0.27 * len(shown) + 0.9)
    with plots.figure("Mean |SHAP value|", "", height=height) as axes:
        axes.barh([row["name"] for row in shown], [row["mean_absolute"] for row in shown])
    return axes.svg


def example(row: dict[str, Any], answer: str) -> str:
    """One row: from the base value, step by step, to the answer; the largest step on top."""
    steps = [
        (f"{each['name']} = {each['value']}", each["contribution"])
        for each in row["contributions"][:_MOST_STEPS]
    ]
    rest = row["contributions"][_MOST_STEPS:]
    if rest:
        steps.append((f"{len(rest)} others", sum(each["contribution"] for each in rest)))
    label = answer if row["class"] is None else f"Probability of {row['class']}"
    with plots.figure(label, "", height=0.3 * len(steps) + 1.1) as axes:
        left = row["base"]
        starts = []
        for _, step in steps[::-1]:
            starts.append(left)
            left += step
        axes.barh(
            range(len(steps)),
            [step for _, step in steps[::-1]],
            left=starts,
            color=[plots.COLORS[0] if step >= 0 else plots.COLORS[1] for _, step in steps[::-1]],
        )
        axes.axvline(row["base"], linestyle=":", color=plots.COLORS[3])
        axes.axvline(row["answer"], color=plots.COLORS[3])
        axes.set_yticks(
            range(len(steps)),
            [f"{name}: {_signed(step)}" for name, step in steps[::-1]],
        )
    return axes.svg


def _signed(value: float) -> str:
    sign = "+" if value >= 0 else "\N{MINUS SIGN}"
    return f"{sign}{formats.number(abs(value), 2)}"
