"""The page of the demo: quality by month, who answered when, and all that happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from flows.demo import quality
from flows.demo.events import Event
from flows.demo.quality import DAY, Span
from pipelines.predictions.layout import TIME
from pipelines.reporting.pages import render
from pipelines.reporting.plots import BAD, COLORS, figure

_TEMPLATE = "reporting/demo.html.j2"
_EVERY_SECONDS = 5
# What happened to a release, drawn into the plots.
_MARKED = {"inbox", "ledger"}


def page(told: dict[str, Any], rows: pd.DataFrame, happened: list[Event], began: float) -> str:
    """The page as HTML, with everything that it shows inside.

    Args:
        told: what came of the demo, JSON-ready.
        rows: the labelled answers, of `quality.answered`.
        happened: everything, the oldest first.
        began: unix seconds.
    """
    marks = [each for each in happened if each.who in _MARKED]
    return render(
        _TEMPLATE,
        **told,
        weekly=_weekly(quality.by_week(rows), marks, rows),
        traffic=_traffic(rows, marks, began),
    )


def date_at(rows: pd.DataFrame, moment: float) -> str | None:
    """The day of the data at a moment of ours, as 2013-05-17; None before the first answer.

    Args:
        rows: the answers.
        moment: unix seconds.
    """
    before = rows.loc[rows[TIME] <= pd.Timestamp(moment, unit="s", tz="UTC"), DAY]
    return None if before.empty else f"{before.max():%Y-%m-%d}"


def _weekly(weeks: list[Span], marks: list[Event], rows: pd.DataFrame) -> Markup:
    from matplotlib.dates import DateFormatter, MonthLocator

    days = np.array([each.name for each in weeks], dtype="datetime64[D]")
    with figure("week of", "AUC", width=9.6, height=3.4) as axes:
        live, frozen = [each.live for each in weeks], [each.frozen for each in weeks]
        axes.plot(days, frozen, marker="o", color=COLORS[3], label="v1, had it stayed")
        axes.plot(days, live, marker="o", color=COLORS[0], label="live")
        axes.fill_between(days, frozen, live, color=COLORS[0], alpha=0.12)
        for each in marks:
            date = date_at(rows, each.at)
            if date is not None:
                _mark(axes, np.datetime64(date), each)
        axes.xaxis.set_major_locator(MonthLocator())
        axes.xaxis.set_major_formatter(DateFormatter("%Y-%m"))
        axes.legend(loc="upper left")
    return Markup(axes.svg)  # noqa: S704  our own drawing


def _traffic(rows: pd.DataFrame, marks: list[Event], began: float) -> Markup:
    """Labelled answers by version, some seconds at a time."""
    moments = (rows[TIME].astype("int64") / 1e6 - began) // _EVERY_SECONDS * _EVERY_SECONDS
    counts = pd.crosstab(moments, rows["version"]) / _EVERY_SECONDS
    seconds = np.arange(counts.index.min(), counts.index.max() + _EVERY_SECONDS, _EVERY_SECONDS)
    counts = counts.reindex(seconds, fill_value=0)
    with figure("seconds since the beginning", "answers a second", width=9.6, height=3) as axes:
        shares = [counts[name] for name in counts.columns]
        axes.stackplot(
            seconds, shares, labels=list(counts.columns), colors=COLORS, alpha=0.55, step="post"
        )
        for each in marks:
            _mark(axes, each.at - began, each)
        axes.legend(loc="lower left", fontsize=8)
    return Markup(axes.svg)  # noqa: S704  our own drawing


def _mark(axes: Any, at: Any, event: Event) -> None:
    axes.axvline(at, color=BAD, linewidth=1, linestyle="--")
    axes.text(
        at,
        1.0,
        f" {event.text.split(':')[0]}",
        fontsize=7,
        color=BAD,
        va="bottom",
        ha="left",
        rotation=20,
        transform=axes.get_xaxis_transform(),
    )
