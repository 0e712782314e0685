"""Figures of a rollout as a person reads them."""

from __future__ import annotations

import math

from pipelines.rollout.evidence import Counts
from pipelines.statistics.estimate import Interval

_HUGE = math.log(1e9)


def counts(challenger: Counts, champion: Counts) -> str:
    """`8 bad of 702 requests (1.14 %), the champion's 25 of 13,338 (0.187 %)`."""
    return f"{_counts(challenger, 'requests ')}, the champion's {_counts(champion, '')}"


def _counts(seen: Counts, what: str) -> str:
    bad = f"{seen.bad:,} bad of " if what else f"{seen.bad:,} of "
    return f"{bad}{seen.requests:,} {what}({percent(seen.rate)})"


def e(log_e: float, log_needed: float) -> str:
    """`evidence 134 of 100 needed`: e-values, of which 1 is no evidence at all."""
    return f"evidence {_value(log_e)} of {_value(log_needed)} needed"


def interval(seen: Interval, pairs: int, expected: float) -> str:
    """`2.1 % (1.6 to 2.7 %) of 3,000 pairs, 2 % on the holdout`."""
    if not pairs:
        return f"no pairs yet, {percent(expected)} on the holdout"
    bounds = f"({percent(seen.low)} to {percent(seen.high)})"
    return f"{percent(seen.value)} {bounds} in {pairs:,} pairs, {percent(expected)} on the holdout"


def percent(share: float) -> str:
    """Three digits are enough for anybody: `1.14 %`."""
    return f"{100 * share:.3g} %"


def hours(seconds: float) -> str:
    """`24 h`, or `10 min` where hours would be a fraction."""
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds / 60:.3g} min"


def _value(log_e: float) -> str:
    return f"{math.exp(log_e):.3g}" if log_e < _HUGE else "over a billion"
