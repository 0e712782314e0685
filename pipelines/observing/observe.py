"""Evidence between two positions: a pure function of the logs, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

from pipelines.observing import answers, canary, labels, mirror
from pipelines.observing.requests import Request
from pipelines.observing.sources import Sources
from pipelines.observing.tallying import Tallying, merged
from pipelines.rollout.evidence import NO_PAIRS, Evidence, Exposure, ShadowPairs
from pipelines.rollout.plan import Plan

# What the gateway (0.5 s) and a server (0.1 s) hold back before they write, with room for a
# machine that is busy. A line that is even later is not counted.
LAG_SECONDS = 3.0
# A controller that comes back after hours reads them piece by piece.
STRETCH_SECONDS = 60.0
_SLACK_SECONDS = 1.0


def watermark(now: float) -> float:
    """Up to when the logs are complete: whole unix seconds, which a float and a log's
    microseconds agree on, so that no line falls between two looks or into both."""
    return float(math.floor(now - LAG_SECONDS))


def observe(sources: Sources, plan: Plan, begin: float, end: float) -> Evidence:
    """Everything that counts between two moments.

    Copies of requests are judged one timeout after their originals, when an answer that is not on
    record will never come.

    Args:
        sources: the logs.
        plan: of the rollout.
        begin: unix seconds, where the last look ended.
        end: the watermark.

    Raises:
        EvergreenError: a log cannot be read; then nothing was seen.
    """
    exposures: list[Exposure] = []
    pairs = NO_PAIRS
    for since, until in _stretches(begin, end):
        found, more = _stretch(sources, plan, since, until)
        exposures += found
        pairs += more
    return Evidence(begin, end, merged(iter(exposures)), pairs)


def _stretches(begin: float, end: float) -> Iterator[tuple[float, float]]:
    since = begin
    while since < end:
        until = min(since + STRETCH_SECONDS, end)
        yield since, until
        since = until


def _stretch(
    sources: Sources, plan: Plan, begin: float, end: float
) -> tuple[list[Exposure], ShadowPairs]:
    patience = sources.timeout_seconds
    shared: list[Request] = []
    mirrored: list[Request] = []
    for request in sources.requests(begin - patience, end):
        if request.ended >= begin and canary.is_shared(request, plan):
            shared.append(request)
        if request.ended < end - patience and mirror.is_mirrored(request, plan):
            mirrored.append(request)
    found = answers.of_requests(
        sources.predictions,
        sources.schema,
        {request.request_id for request in chain(shared, mirrored)},
        begin - 2 * patience - _SLACK_SECONDS,
        end + _SLACK_SECONDS,
    )
    tallying, task = Tallying(), sources.schema.task
    canary.count(shared, found, plan, task, tallying)
    pairs = mirror.count(mirrored, found, plan, task, patience, tallying)
    labels.count(sources, plan, begin, end, tallying)
    return list(tallying.exposures()), pairs
