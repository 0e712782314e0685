"""The plots of the report, from the numbers in evaluation.json."""

from __future__ import annotations

import itertools
from typing import Any

from pipelines.evaluation.learning import Curve
from pipelines.reporting import plots

_RIBBON = "#b5c7bd"


def all_of(evaluation: dict[str, Any]) -> dict[str, str]:
    """Every plot of a model, by name, as SVG: two of its task, slices, importance."""
    curves, measure = evaluation["curves"], evaluation["measure"]
    reached = evaluation["metrics"][measure["key"]]["value"]
    if evaluation["task"] == "binary":
        found = {"roc": roc(curves["roc"], reached)}
    elif evaluation["task"] == "multiclass":
        found = {"confusion": confusion(curves["confusion"], curves["classes"])}
    else:
        found = {
            "agreement": agreement(curves["agreement"]),
            "errors": errors(**curves["errors"]),
        }
    if "calibration" in curves:
        is_of_classes = evaluation["task"] == "multiclass"
        found["calibration"] = calibration(curves["calibration"], of_classes=is_of_classes)
    found["slices"] = slices(evaluation["slices"], reached, measure["name"])
    found["importance"] = importance(evaluation["importance"], measure["name"])
    return found


def roc(curve: list[list[float]], auc: float) -> str:
    """The ROC curve from pairs of (false positive rate, true positive rate)."""
    with plots.figure("False positive rate", "True positive rate", width=4.4, height=4.0) as axes:
        axes.plot(*zip(*curve, strict=True), label=f"model, AUC {auc:.3f}")
        axes.plot([0, 1], [0, 1], ":", color=plots.COLORS[3], label="chance")
        axes.legend(loc="lower right")
    return axes.svg


def calibration(points: list[dict[str, float]], *, of_classes: bool) -> str:
    """What was said against what happened, in bins of equal mass."""
    across = "Confidence" if of_classes else "Predicted probability"
    up = "Accuracy" if of_classes else "Observed share"
    with plots.figure(across, up, width=4.4, height=4.0) as axes:
        said = [point["mean_probability"] for point in points]
        seen = [point["observed_rate"] for point in points]
        low, top = 0.95 * min(said + seen) if of_classes else 0.0, 1.05 * max(said + seen)
        axes.plot([low, top], [low, top], ":", color=plots.COLORS[3], label="perfect")
        axes.plot(said, seen, "o-", label="model")
        axes.legend(loc="lower right")
    return axes.svg


def confusion(counts: list[list[int]], classes: list[str]) -> str:
    """How many rows of each class were taken for which, the diagonal being right."""
    size = max(4.0, 0.38 * len(classes) + 1.0)
    with plots.figure("Predicted", "True", width=1.08 * size, height=size) as axes:
        axes.grid(visible=False)
        shares = [[cell / max(sum(row), 1) for cell in row] for row in counts]
        axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
        for row, cells in enumerate(counts):
            for column, cell in enumerate(cells):
                if cell:
                    is_dark = shares[row][column] > 0.5
                    tone = "white" if is_dark else "#1d2925"
                    axes.text(
                        column, row, str(cell), ha="center", va="center", color=tone, fontsize=8
                    )
        axes.set_xticks(range(len(classes)), classes, rotation=90 if len(classes[0]) > 3 else 0)
        axes.set_yticks(range(len(classes)), classes)
    return axes.svg


def agreement(bins: list[dict[str, float]]) -> str:
    """What was predicted against what came: mean and the middle 80 % in bins of equal mass."""
    with plots.figure("Predicted", "True", width=4.4, height=4.0) as axes:
        said = [each["predicted"] for each in bins]
        axes.fill_between(
            said,
            [each["low"] for each in bins],
            [each["high"] for each in bins],
            color=_RIBBON,
            alpha=0.5,
            label="middle 80 %",
        )
        axes.plot([min(said), max(said)], [min(said), max(said)], ":", color=plots.COLORS[3])
        axes.plot(said, [each["true"] for each in bins], "o-", label="mean")
        axes.legend(loc="upper left")
    return axes.svg


def errors(counts: list[int], edges: list[float]) -> str:
    """How often the prediction was off by how much; the outermost bars hold all beyond them."""
    with plots.figure("Predicted minus true", "Rows", width=4.4, height=4.0) as axes:
        widths = [right - left for left, right in itertools.pairwise(edges)]
        axes.bar(edges[:-1], counts, width=widths, align="edge")
        axes.axvline(0, linestyle=":", color=plots.COLORS[3])
    return axes.svg


def slices(rows: list[dict[str, Any]], overall: float, measure: str) -> str:
    """The measure by slice with its interval, around that of all rows."""
    shown = [row for row in rows if row["quality"] is not None][::-1]
    with plots.figure(_capital(measure), "", height=max(2.0, 0.27 * len(shown) + 0.9)) as axes:
        axes.axvline(overall, linestyle=":", color=plots.COLORS[3], label="all rows")
        for place, row in enumerate(shown):
            within = row["quality"]
            axes.plot([within["low"], within["high"]], [place, place], color=_RIBBON)
            axes.plot(within["value"], place, "o", color=plots.COLORS[0])
        axes.set_yticks(range(len(shown)), [f"{row['column']} {row['value']}" for row in shown])
        axes.margins(y=0.02)
    return axes.svg


def importance(lost: dict[str, float], measure: str, most: int = 15) -> str:
    """What the measure loses when columns are shuffled, the most important first."""
    names = list(lost)[:most][::-1]
    with plots.figure(
        f"Loss of {measure} when shuffled", "", height=max(2.0, 0.27 * len(names) + 0.9)
    ) as axes:
        axes.barh(names, [lost[name] for name in names])
    return axes.svg


def learning(curve: Curve) -> str:
    """The losses by epoch, of the rows learned from and of those held out."""
    epochs = [row["epoch"] for row in curve]
    with plots.figure("Epoch", "Loss") as axes:
        axes.plot(epochs, [row["loss"] for row in curve], label="learned from")
        axes.plot(epochs, [row["validation_loss"] for row in curve], label="held out")
        axes.legend()
    return axes.svg


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
