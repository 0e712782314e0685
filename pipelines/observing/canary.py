"""The bad events of two arms that share the requests between them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pipelines.observing import scores
from pipelines.observing.answers import Answer, Key
from pipelines.observing.requests import Request
from pipelines.observing.tallying import Tallying
from pipelines.rollout.plan import Plan
from pipelines.schema import Task


def is_shared(request: Request, plan: Plan) -> bool:
    """Whether it was chance that gave the request to its arm, and not that there was one only."""
    arms = (plan.champion, plan.challenger)
    return request.arm in arms and all(request.weights.get(arm, 0) > 0 for arm in arms)


def count(
    requests: Iterable[Request],
    answers: Mapping[Key, Answer],
    plan: Plan,
    task: Task,
    tallying: Tallying,
) -> None:
    """Count errors, timeouts, slow and invalid answers of the arm that the route chose.

    What the challenger failed at is its own bad event although the champion then answered: the
    fallback hides it from the client, and must not hide it from the rollout.
    """
    metrics = plan.settings.metrics
    for request in requests:
        if request.is_refused or not is_shared(request, plan):
            continue
        bad: dict[str, bool] = {
            "errors": request.is_error,
            "timeouts": request.has_timed_out,
            "latency": request.duration_ms > plan.latency_ms,
        }
        answer = answers.get((request.request_id, request.arm, False))
        if answer is not None:
            bad["invalid"] = not scores.is_valid(answer.scores, task)
        _add(bad, metrics, request, plan, tallying)


def _add(
    bad: Mapping[str, bool],
    metrics: Collection[str],
    request: Request,
    plan: Plan,
    tallying: Tallying,
) -> None:
    for metric, is_bad in bad.items():
        if metric in metrics:
            tallying.add(
                metric,
                request.weights[plan.challenger],
                request.one,
                is_challenger=request.arm == plan.challenger,
                is_bad=is_bad,
            )
