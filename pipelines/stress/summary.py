"""From a record of each request to the numbers of a run. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.estimate import Interval
from pipelines.stress import intervals
from pipelines.stress.records import Ending, Records

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
CONFIDENCE = 0.95
_BINS = 60


@dataclass(frozen=True)
class Second:
    """One second of a run; latencies in milliseconds.

    Attributes:
        second: counted from the end of the warm-up.
        arrived: requests that were due in it.
        failed: of these, how many were not answered rightly, whenever that was.
        answered: right answers that went out in it, whenever they had been due.
        p50, p99: latency of those due in it that were answered; None without any.
    """

    second: int
    arrived: int
    failed: int
    answered: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Summary:
    """A run in numbers; latencies in milliseconds, from when a request was due.

    Attributes:
        requests: judged ones: all that arrived after the warm-up.
        offered_rate, answered_rate: requests a second, all of them and the rightly answered.
        endings: how many ended how, by the name of `Ending`.
        failed: the share of 1 that was not answered rightly, with its interval.
        p99: with its interval. A failed request counts as never answered, or refusing quickly
            would look fast; so a bound may be infinite.
        latency, service: percentiles of the answered ones, from when they were due and from
            when they were sent; by name, as `p99`, and `max`. Empty when none was answered.
        generator_lag_p99: by how much the generator itself was late.
        timeline: the seconds of the run, until the last answer.
        histogram: how many latencies lie between one edge and the next.
    """

    requests: int
    offered_rate: float
    answered_rate: float
    endings: dict[str, int]
    failed: Interval
    p99: Interval
    latency: dict[str, float]
    service: dict[str, float]
    generator_lag_p99: float
    timeline: tuple[Second, ...]
    histogram: tuple[tuple[float, float, int], ...]

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary; what is infinite is null, which is all that JSON has for it."""
        return {**asdict(self), "p99": _finite(self.p99), "failed": asdict(self.failed)}


def summarize(records: Records, seconds: float) -> Summary:
    """The numbers of a run of `seconds`, of whose records those due before 0 are left out.

    Raises:
        ValueError: no record is left.
    """
    judged = records[records["due"] >= 0]
    if len(judged) == 0:
        raise ValueError("no request arrived after the warm-up")
    is_answered = judged["ending"] == Ending.ANSWERED
    since_due = 1e3 * (judged["done"] - judged["due"])
    since_sent = 1e3 * (judged["done"] - judged["sent"])
    awaited = judged[judged["was_awaited"]]
    lag = 1e3 * (awaited["sent"] - awaited["due"])
    answered = since_due[is_answered]
    count = len(judged)
    return Summary(
        requests=count,
        offered_rate=count / seconds,
        answered_rate=len(answered) / max(seconds, float(judged["done"].max())),
        endings={ending.name.lower(): int((judged["ending"] == ending).sum()) for ending in Ending},
        failed=intervals.of_share(count - len(answered), count, CONFIDENCE),
        p99=intervals.of_quantile(np.where(is_answered, since_due, math.inf), 0.99, CONFIDENCE),
        latency=_percentiles(answered),
        service=_percentiles(since_sent[is_answered]),
        generator_lag_p99=float(np.percentile(lag, 99)) if len(lag) else 0.0,
        timeline=_timeline(judged, since_due, is_answered),
        histogram=_histogram(answered),
    )


def _percentiles(milliseconds: NDArray[np.float64]) -> dict[str, float]:
    if len(milliseconds) == 0:
        return {}
    found = np.percentile(milliseconds, PERCENTILES)
    named = {f"p{share:g}": float(value) for share, value in zip(PERCENTILES, found, strict=True)}
    return {**named, "max": float(milliseconds.max())}


def _timeline(
    judged: Records, milliseconds: NDArray[np.float64], is_answered: NDArray[np.bool_]
) -> tuple[Second, ...]:
    at = np.floor(judged["due"]).astype(int)
    out = np.floor(judged["done"][is_answered]).astype(int)
    found = []
    for second in range(int(max(at.max(), out.max(initial=0))) + 1):
        within = at == second
        known = milliseconds[within & is_answered]
        p50, p99 = np.percentile(known, [50, 99]).tolist() if len(known) else (None, None)
        failed = int((within & ~is_answered).sum())
        answered = int((out == second).sum())
        found.append(Second(second, int(within.sum()), failed, answered, p50, p99))
    return tuple(found)


def _histogram(milliseconds: NDArray[np.float64]) -> tuple[tuple[float, float, int], ...]:
    """Bins of equal width on a logarithmic axis, where latencies have their long tail."""
    if len(milliseconds) == 0:
        return ()
    shortest = max(float(milliseconds.min()), 1e-3)
    edges = np.geomspace(
        0.95 * shortest, 1.05 * max(float(milliseconds.max()), shortest), _BINS + 1
    )
    counts, _ = np.histogram(milliseconds, edges)
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return tuple(pairs)


def _finite(interval: Interval) -> dict[str, float | None]:
    return {
        name: value if math.isfinite(value) else None for name, value in asdict(interval).items()
    }
