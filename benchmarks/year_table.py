"""What a year came to, month by month, as the page that says so. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from pipelines.statistics.arrays import Floats
from pipelines.statistics.auc import auc

_ROUNDS = 100
_SEED = 7


class Month(NamedTuple):
    """One month: its flights with a label, who answered how many, and both AUCs."""

    name: str
    flights: int
    versions: dict[str, int]
    live: float
    frozen: float


def months(lived: dict[str, Any]) -> list[Month]:
    """The months of a year, in their order."""
    found = []
    for name in sorted({day[:7] for day in lived["days"]}):
        days = [answers for day, answers in sorted(lived["days"].items()) if day[:7] == name]
        truth, live, frozen = (_joined(days, which) for which in ("truth", "live", "frozen"))
        known = ~np.isnan(truth)
        labels = truth[known].astype(np.int64)
        versions = Counter(version for day in days for version in day["version"])
        found.append(
            Month(
                name,
                int(known.sum()),
                dict(versions),
                auc(labels, live[known]),
                auc(labels, frozen[known]),
            )
        )
    return found


def interval(lived: dict[str, Any]) -> tuple[float, float]:
    """A 95 % interval of the mean difference of the months: days are drawn again, by month."""
    draw = np.random.default_rng(_SEED)
    by_month: dict[str, list[dict[str, Any]]] = {}
    for day, answers in sorted(lived["days"].items()):
        by_month.setdefault(day[:7], []).append(answers)
    found = []
    for _ in range(_ROUNDS):
        differences = []
        for days in by_month.values():
            drawn = [days[place] for place in draw.integers(len(days), size=len(days))]
            truth, live, frozen = (_joined(drawn, which) for which in ("truth", "live", "frozen"))
            known = ~np.isnan(truth)
            labels = truth[known].astype(np.int64)
            differences.append(auc(labels, live[known]) - auc(labels, frozen[known]))
        found.append(np.mean(differences))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def render(lived: dict[str, Any]) -> str:
    """The page, in Markdown."""
    found = months(lived)
    difference = float(np.mean([month.live - month.frozen for month in found]))
    low, high = interval(lived)
    came = Counter("refused" if "refused" in start["came"] else "live" for start in lived["starts"])
    return "\n".join(
        [
            "# A year of flights under the default policy",
            "",
            "Written by `python -m benchmarks year --write docs/explanation/year.md`: the flights",
            f"of {found[0].name} to {found[-1].name}, answered in process by the version that was",
            "live, and logged; their labels a day later; the monitor once a day, by the clock of",
            "the data, with the policy of `params.yaml`; and the retrains that it started, which",
            "saw the months that were over by then. *Frozen* is the first version, of January to",
            "March, asked the same flights. Both columns are AUCs.",
            "",
            f"Lived until {max(lived['days'])}.",
            "",
            f"**The mean difference of the months is {difference:+.4f}** ({low:+.4f} to",
            f"{high:+.4f}, a 95 % interval by days), with {len(lived['starts'])} retrains:",
            f"{came['live']} went live, {came['refused']} were refused by the gate.",
            "",
            *_months(found),
            "",
            "## What started each retrain",
            "",
            *_starts(lived),
            "",
            "## What asked, and what became of it",
            "",
            *_triggers(lived),
            "",
            "## What the monitor said",
            "",
            *(f"- {count} windows: {said}" for said, count in sorted(lived["looks"].items())),
            "",
        ]
    )


def _months(found: list[Month]) -> list[str]:
    rows = [
        "| month | flights | answered by | live | frozen | difference |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for month in found:
        by = ", ".join(
            f"{name.partition('@')[2]} {count / sum(month.versions.values()):.0%}"
            for name, count in month.versions.items()
        )
        rows.append(
            f"| {month.name} | {month.flights:,} | {by} | {month.live:.4f} | {month.frozen:.4f} | "
            f"{month.live - month.frozen:+.4f} |"
        )
    live, frozen = (
        float(np.mean([getattr(m, side) for m in found])) for side in ("live", "frozen")
    )
    rows.append(
        f"| mean | {sum(m.flights for m in found):,} | | {live:.4f} | {frozen:.4f} | "
        f"{live - frozen:+.4f} |"
    )
    return rows


def _starts(lived: dict[str, Any]) -> list[str]:
    rows = ["| when | data until | because of | what came of it |", "| --- | --- | --- | --- |"]
    return rows + [
        f"| {start['at'][:10]} | {start['until']} | {_cell(start['reason'])} "
        f"| {_cell(start['came'])} |"
        for start in lived["starts"]
    ]


def _triggers(lived: dict[str, Any]) -> list[str]:
    rows = ["| when | about | cause | state | why |", "| --- | --- | --- | --- | --- |"]
    return rows + [
        f"| {trigger['arrived'][:10]} | {trigger['version']} | {trigger['cause']} | "
        f"{trigger['state']} | {_cell(trigger['why'])} |"
        for trigger in lived["triggers"]
    ]


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def _joined(days: list[dict[str, Any]], which: str) -> Floats:
    return np.concatenate([np.asarray(day[which], dtype=np.float64) for day in days])
