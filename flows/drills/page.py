"""The page of a run of drills: what came of each, and how it went by the second."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from flows.drills.result import Moment, Result
from pipelines.reporting.pages import render
from pipelines.reporting.plots import BAD, COLORS, figure

_TEMPLATE = "reporting/drills.html.j2"


def page(results: Sequence[Result], when: str, rate: float) -> str:
    """The page as HTML, with everything that it shows inside.

    Args:
        results: in the order in which they are shown.
        when: the moment of the run, in words.
        rate: requests a second.
    """
    drills = [(each, timeline(each)) for each in results]
    return render(_TEMPLATE, drills=drills, when=when, rate=rate)


def timeline(result: Result) -> Markup:
    """Answers by version and the challenger's weight, a second at a time; SVG, or empty."""
    moments = result.timeline
    if not moments:
        return Markup()
    seconds = [each.second for each in moments]
    names = sorted({name for each in moments for name in each.answered})
    with figure("seconds", "answers a second", width=9.6, height=2.9) as axes:
        counts = [[each.answered.get(name, 0) for each in moments] for name in names]
        if counts:
            axes.stackplot(seconds, counts, labels=names, colors=COLORS, alpha=0.55, step="post")
        _bad(axes, moments)
        _marks(axes, result)
        weight = axes.twinx()
        weight.step(seconds, [each.percent for each in moments], where="post", color="#1d2925")
        weight.set_ylim(0, 105)
        weight.set_ylabel("weight of the challenger, %")
        weight.grid(visible=False)
        axes.legend(loc="lower left", fontsize=8)
    return Markup(axes.svg)  # noqa: S704  our own drawing


def _bad(axes: object, moments: Sequence[Moment]) -> None:
    seen = [each for each in moments if each.bad]
    if seen:
        axes.bar(  # type: ignore[attr-defined]
            [each.second for each in seen], [each.bad for each in seen], color=BAD, label="bad"
        )


def _marks(axes: object, result: Result) -> None:
    """Lines where something was done; the first of several alike is named."""
    named: set[str] = set()
    for at, text in result.marks:
        axes.axvline(at, color=BAD, linewidth=1, linestyle="--")  # type: ignore[attr-defined]
        if text not in named:
            axes.text(  # type: ignore[attr-defined]
                at,
                1.0,
                f" {text}",
                fontsize=7,
                color=BAD,
                va="bottom",
                ha="left",
                transform=axes.get_xaxis_transform(),  # type: ignore[attr-defined]
            )
            named.add(text)
