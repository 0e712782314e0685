"""Whether a server stood the load: numbers and limits in, verdict out. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipelines.stress.summary import Summary
from pipelines.verdicts import Outcome, Verdict, combine

NAME = "stress"
# Of one core. Above it requests wait for the generator, and that would be blamed on the server.
SATURATED = 0.9
# The intervals take requests as independent. A single stall makes dozens late, so a few say
# nothing, however bad they were.
MINIMUM_REQUESTS = 300


@dataclass(frozen=True)
class Limits:
    """What a server must keep: milliseconds at the 99th percentile, failed requests in percent."""

    p99_ms: float
    errors_percent: float


def judge(summary: Summary, limits: Limits, cpu_share: float) -> Verdict:
    """Hold a run to its limits.

    A limit is kept when the measured value would be within it even at the bad end of its 95 %
    interval, broken when it would not even be at the good end, and between the two nobody knows.

    Args:
        summary: the run.
        limits: what was asked for.
        cpu_share: of one core, used by the generator.

    Returns:
        INCONCLUSIVE as well with fewer than 300 requests, or when it is the generator that was
        too slow.
    """
    if summary.requests < MINIMUM_REQUESTS:
        reason = f"{summary.requests} requests are too few to say; at least {MINIMUM_REQUESTS}"
        return Verdict(NAME, Outcome.INCONCLUSIVE, reason, {"requests": summary.requests})
    return combine(
        NAME, [_judge_latency(summary, limits, cpu_share), _judge_errors(summary, limits)]
    )


def _judge_latency(summary: Summary, limits: Limits, cpu_share: float) -> Verdict:
    seen, limit = summary.p99, limits.p99_ms
    evidence = {
        "limit_ms": limit,
        **summary.to_json()["p99"],
        "generator_cpu_share": cpu_share,
        "generator_lag_p99_ms": summary.generator_lag_p99,
    }
    said = f"{_ms(seen.value)} (95 %: {_ms(seen.low)} to {_ms(seen.high)})"
    if not math.isfinite(seen.value):
        said = "more than 1 % of the requests had no right answer, so there is no p99"
    if seen.high <= limit:
        # The generator's own delays are part of it, so without them it holds all the more.
        return Verdict("p99", Outcome.PASSED, f"{said}; allowed is {limit:g} ms", evidence)
    if cpu_share > SATURATED or summary.generator_lag_p99 > limit / 2:
        reason = (
            f"{said}, but the generator was the bottleneck (it used {cpu_share:.0%} of a core and "
            f"was itself up to {_ms(summary.generator_lag_p99)} late); lower --rate, or run it "
            "on another machine"
        )
        return Verdict("p99", Outcome.INCONCLUSIVE, reason, evidence)
    if seen.low > limit:
        return Verdict("p99", Outcome.FAILED, f"{said}; allowed is {limit:g} ms", evidence)
    reason = (
        f"{said}, and {limit:g} ms is allowed: {summary.requests:,} requests are too few to say"
    )
    return Verdict("p99", Outcome.INCONCLUSIVE, reason, evidence)


def _judge_errors(summary: Summary, limits: Limits) -> Verdict:
    seen, limit = summary.failed, limits.errors_percent / 100
    failed = summary.requests - summary.endings["answered"]
    evidence = {"limit": limit, "failed": failed, "low": seen.low, "high": seen.high}
    said = f"{failed:,} of {summary.requests:,} requests failed"
    if limit == 0:
        # No number of requests proves that none ever fails, so this one is meant literally.
        outcome = Outcome.FAILED if failed else Outcome.PASSED
        return Verdict("errors", outcome, f"{said}; none may", evidence)
    said += f", so between {seen.low:.3%} and {seen.high:.3%} do; allowed is {limit:.3%}"
    if seen.high <= limit:
        return Verdict("errors", Outcome.PASSED, said, evidence)
    if seen.low > limit:
        return Verdict("errors", Outcome.FAILED, said, evidence)
    return Verdict("errors", Outcome.INCONCLUSIVE, f"{said}: too few requests to say", evidence)


def _ms(value: float) -> str:
    """Three digits where they say something; a latency of seconds needs no more than its ms."""
    if not math.isfinite(value):
        return "unbounded"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"
