"""What the challenger made of copies of requests that the champion answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.observing import scores
from pipelines.observing.answers import Answer, Key
from pipelines.observing.requests import Request
from pipelines.observing.tallying import Tallying
from pipelines.rollout.evidence import NO_PAIRS, ShadowPairs
from pipelines.rollout.plan import MIRROR, Plan, Scale
from pipelines.schema import Task


def is_mirrored(request: Request, plan: Plan) -> bool:
    """Whether the champion answered it, and the challenger got a copy."""
    return request.arm == plan.champion and request.mirror == plan.challenger


def count(
    requests: Iterable[Request],
    answers: Mapping[Key, Answer],
    plan: Plan,
    task: Task,
    timeout_seconds: float,
    tallying: Tallying,
) -> ShadowPairs:
    """Count both versions' events at weight 0, and pair their answers.

    A copy that was never answered is an error: the gateway throws its response away, so that the
    server's own record is all there is. Latencies are the servers', of both: what the gateway adds
    is only known of the champion.

    Returns:
        The pairs, one a request.
    """
    pairs = NO_PAIRS
    for request in requests:
        # A copy may have been refused or left alone as its original was, for the same reason.
        if request.is_refused or not is_mirrored(request, plan):
            continue
        shadow = answers.get((request.request_id, plan.challenger, True))
        answer = answers.get((request.request_id, plan.champion, False))
        events = _champions(request, answer, plan, task)
        _add(events, request, plan, tallying, is_challenger=False)
        events = _challengers(shadow, plan, task, timeout_seconds)
        _add(events, request, plan, tallying, is_challenger=True)
        if shadow is not None and answer is not None:
            pairs += pair(answer, shadow, task, plan.scale)
    return pairs


def pair(answer: Answer, shadow: Answer, task: Task, scale: Scale) -> ShadowPairs:
    """The distance of two answers to the same request; none if they are of other rows."""
    if answer.rows != shadow.rows or answer.scores.shape != shadow.scores.shape:
        return scores.pair(1.0, 1.0)
    pairs = zip(answer.labels, shadow.labels, strict=True)
    differ = [left != right for left, right in pairs]
    gap = scores.gaps(answer.scores, shadow.scores, task, scale)
    return scores.pair(sum(differ) / len(differ), float(gap.mean()))


def _champions(
    request: Request, answer: Answer | None, plan: Plan, task: Task
) -> Mapping[str, bool]:
    bad = {"errors": request.is_error, "timeouts": request.has_timed_out}
    return bad if answer is None else {**bad, **_of_answer(answer, plan, task)}


def _challengers(
    shadow: Answer | None, plan: Plan, task: Task, timeout_seconds: float
) -> Mapping[str, bool]:
    if shadow is None:
        return {"errors": True, "timeouts": False}
    is_late = shadow.latency_ms >= 1000 * timeout_seconds
    return {"errors": False, "timeouts": is_late, **_of_answer(shadow, plan, task)}


def _of_answer(answer: Answer, plan: Plan, task: Task) -> Mapping[str, bool]:
    return {
        "invalid": not scores.is_valid(answer.scores, task),
        "latency": answer.latency_ms > plan.latency_ms,
    }


def _add(
    bad: Mapping[str, bool],
    request: Request,
    plan: Plan,
    tallying: Tallying,
    *,
    is_challenger: bool,
) -> None:
    for metric, is_bad in bad.items():
        if metric in plan.settings.metrics:
            tallying.add(metric, MIRROR, request.one, is_challenger=is_challenger, is_bad=is_bad)
