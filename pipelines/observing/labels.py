"""Wrong answers, of requests whose label came while the rollout can still learn from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pipelines.observing import answers as logged
from pipelines.observing import canary, mirror
from pipelines.observing.answers import Answer, Key
from pipelines.observing.requests import Request
from pipelines.observing.sources import Sources
from pipelines.observing.tallying import Tallying
from pipelines.predictions import read
from pipelines.predictions.labels import LABEL
from pipelines.predictions.layout import REQUEST_ID, ROW, TIME
from pipelines.rollout.evidence import WRONG
from pipelines.rollout.plan import MIRROR, Plan
from pipelines.schema import Task

# A label that takes longer belongs to monitoring: each look reads this far back.
IN_TIME_SECONDS = 3600.0


def count(sources: Sources, plan: Plan, begin: float, end: float, tallying: Tallying) -> None:
    """Count the labels that arrived between two moments, each once, with the answers they judge.

    Of several labels of a row the first one counts, in the look in which it came: what was
    counted cannot be taken back.

    Args:
        sources: the logs.
        plan: of the rollout.
        begin, end: unix seconds.
        tallying: what is added to.

    Raises:
        EvergreenError: a log cannot be read.
    """
    labels = _arrived(sources.feedback, begin, end)
    if not labels:
        return
    since = begin - IN_TIME_SECONDS
    requests = {
        request.request_id: request
        for request in sources.requests(since, end)
        if request.request_id in labels and _counts(request, plan)
    }
    found = logged.of_requests(
        sources.predictions,
        sources.schema,
        requests.keys(),
        since - sources.timeout_seconds,
        end,
    )
    for request_id, request in requests.items():
        arrived, row, label = labels[request_id]
        if not 0 <= arrived - request.ended <= IN_TIME_SECONDS:
            continue
        for is_challenger, answer in _judged(request, found, plan):
            is_bad = _is_wrong(answer, row, label, sources.schema.task, plan)
            if is_bad is not None:
                weight = request.weights.get(plan.challenger, MIRROR)
                tallying.first(
                    WRONG, weight, request.one, is_challenger=is_challenger, is_bad=is_bad
                )


def _counts(request: Request, plan: Plan) -> bool:
    return canary.is_shared(request, plan) or mirror.is_mirrored(request, plan)


_Label = tuple[float, int, str]


def _arrived(folder: Path, begin: float, end: float) -> dict[str, _Label]:
    """When the first label of each request came, of which row, and what it says.

    One row speaks for a request, so that a batch of a thousand is not a thousand events.
    """
    if not folder.is_dir():
        return {}
    first: dict[str, _Label] = {}
    since = logged.moment(begin - IN_TIME_SECONDS)
    for batch in read.batches(folder, since, logged.moment(end)):
        columns = (batch.column(name).to_pylist() for name in (TIME, ROW, LABEL))
        ids = batch.column(REQUEST_ID).to_pylist()
        for request_id, time, row, label in zip(ids, *columns, strict=True):
            one = (time.timestamp(), row, label)
            first[request_id] = min(one, first.get(request_id, one))
    return {request_id: one for request_id, one in first.items() if one[0] >= begin}


def _judged(
    request: Request, found: Mapping[Key, Answer], plan: Plan
) -> Iterator[tuple[bool, Answer]]:
    arms = [(request.arm, False)]
    if mirror.is_mirrored(request, plan):
        arms.append((plan.challenger, True))
    for version, is_shadow in arms:
        answer = found.get((request.request_id, version, is_shadow))
        if answer is not None:
            yield version == plan.challenger, answer


def _is_wrong(answer: Answer, row: int, label: str, task: Task, plan: Plan) -> bool | None:
    """None for a label of a row that was never asked about, or that is no label of this task."""
    if row not in answer.rows:
        return None
    at = answer.rows.index(row)
    if task != "regression":
        return answer.labels[at] != label
    try:
        truth = float(label)
    except ValueError:
        return None
    # Not "off by more": what is no number is never within the tolerance.
    return not abs(float(answer.scores[at, 0]) - truth) <= plan.scale.tolerance
