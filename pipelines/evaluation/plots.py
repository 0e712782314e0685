"""The plots of the report, from the numbers in evaluation.json."""

from __future__ import annotations

from typing import Any

from pipelines.reporting import plots


def roc(curve: list[list[float]], auc: float) -> str:
    """The ROC curve from pairs of (false positive rate, true positive rate)."""
    with plots.figure("False positive rate", "True positive rate", width=4.4, height=4.0) as axes:
        axes.plot(*zip(*curve, strict=True), label=f"model, AUC {auc:.3f}")
        axes.plot([0, 1], [0, 1], ":", color=plots.COLORS[3], label="chance")
        axes.legend(loc="lower right")
    return axes.svg


def calibration(points: list[dict[str, float]]) -> str:
    """What was said against what happened, in bins of equal mass."""
    with plots.figure("Predicted probability", "Observed share", width=4.4, height=4.0) as axes:
        said = [point["mean_probability"] for point in points]
        seen = [point["observed_rate"] for point in points]
        top = 1.05 * max(said + seen)
        axes.plot([0, top], [0, top], ":", color=plots.COLORS[3], label="perfect")
        axes.plot(said, seen, "o-", label="model")
        axes.legend(loc="lower right")
    return axes.svg


def slices(rows: list[dict[str, Any]], overall: float) -> str:
    """AUC by slice with its interval, around the AUC of all rows."""
    shown = [row for row in rows if row["auc"] is not None][::-1]
    with plots.figure("AUC", "", height=max(2.0, 0.27 * len(shown) + 0.9)) as axes:
        axes.axvline(overall, linestyle=":", color=plots.COLORS[3], label="all rows")
        for place, row in enumerate(shown):
            axes.plot([row["auc"]["low"], row["auc"]["high"]], [place, place], color="#b5c7bd")
            axes.plot(row["auc"]["value"], place, "o", color=plots.COLORS[0])
        axes.set_yticks(range(len(shown)), [f"{row['column']} {row['value']}" for row in shown])
        axes.margins(y=0.02)
    return axes.svg


def importance(lost: dict[str, float], most: int = 15) -> str:
    """What the AUC loses when a column is shuffled, the most important first."""
    names = list(lost)[:most][::-1]
    with plots.figure(
        "AUC lost when shuffled", "", height=max(2.0, 0.27 * len(names) + 0.9)
    ) as axes:
        axes.barh(names, [lost[name] for name in names])
    return axes.svg
