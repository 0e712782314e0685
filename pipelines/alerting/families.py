"""The facts as metrics: what no server can say of itself. Pure.

Moments are given as Unix seconds and never as ages: a file that nobody writes any more would keep
an age young for ever. Every label has values that we choose; versions come one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from pipelines.alerting.facts import Facts, OpenRollout
from pipelines.monitoring import policy
from pipelines.monitoring.action import Action
from pipelines.monitoring.triggers.events import State
from pipelines.rollout.state import Phase
from pipelines.state import clock
from pipelines.state.runs import FAILED, REFUSED, RUNNING, Run
from pipelines.verdicts import Outcome

# Parts of a window's verdict, each of which says something else of the model.
_PARTS = ("window", "data", "skew", policy.COLUMNS, policy.LABELS, policy.ESTIMATE, policy.SCHEDULE)
_OPEN = [phase for phase in Phase if not phase.is_final]

Sample = tuple[list[str], float]
Family = tuple[str, str, list[str], list[Sample]]


def families(models: Iterable[Facts]) -> Iterator[Family]:
    """Gauges: a name, what it says, the names of its labels, and its samples."""
    facts = list(models)
    yield from _of_versions(facts)
    yield from _of_rollouts(facts)
    yield from _of_windows(facts)
    yield from _of_triggers(facts)


def _of_versions(facts: list[Facts]) -> Iterator[Family]:
    live = [(each, each.live) for each in facts]
    yield (
        "evergreen_live_info",
        "The live version; always 1.",
        ["model", "version"],
        [([each.model, entry.version.partition("@")[2]], 1) for each, entry in live if entry],
    )
    yield (
        "evergreen_live_since_timestamp_seconds",
        "When the live version became live.",
        ["model"],
        [([each.model], clock.seconds_of(entry.at)) for each, entry in live if entry],
    )
    yield (
        "evergreen_retrain_running",
        "Whether a retrain is not finished: 1 at work, 0 none.",
        ["model"],
        [([each.model], float(_is_running(each))) for each in facts],
    )
    yield (
        "evergreen_retrain_orphaned",
        "Whether a retrain is not finished and has no process.",
        ["model"],
        [([each.model], float(each.orphan is not None)) for each in facts],
    )
    yield (
        "evergreen_retrain_failures_in_row",
        "The newest retrains that were refused by the gate or broke down.",
        ["model"],
        [([each.model], float(_failures(each.runs))) for each in facts],
    )


def _is_running(facts: Facts) -> bool:
    return any(run.status == RUNNING for run in facts.runs) and facts.orphan is None


def _failures(runs: Iterable[Run]) -> int:
    found = 0
    for run in runs:
        if run.status not in (REFUSED, FAILED):
            break
        found += 1
    return found


def _of_rollouts(facts: list[Facts]) -> Iterator[Family]:
    running = [(each.model, each.rollout) for each in facts if each.rollout]
    yield (
        "evergreen_rollout_phase",
        "The phase of the open rollout is 1, all others are 0.",
        ["model", "phase"],
        [sample for each in facts for sample in _phases(each.model, each.rollout)],
    )
    yield (
        "evergreen_rollout_unreadable",
        "Whether the open rollout cannot be read.",
        ["model"],
        [([each.model], float(bool(each.unreadable))) for each in facts],
    )
    yield (
        "evergreen_rollout_weight_percent",
        "What the challenger has of the requests.",
        ["model"],
        [([model], float(rollout.weight_percent)) for model, rollout in running],
    )
    yield (
        "evergreen_rollout_paused",
        "Whether the champion has all requests until there is evidence again.",
        ["model"],
        [([model], float(rollout.is_paused)) for model, rollout in running],
    )
    yield (
        "evergreen_rollout_looked_timestamp_seconds",
        "When a controller looked at the open rollout last.",
        ["model"],
        [([model], rollout.looked) for model, rollout in running],
    )
    yield (
        "evergreen_rollout_entered_timestamp_seconds",
        "When the open rollout came into its phase or step.",
        ["model"],
        [([model], rollout.entered) for model, rollout in running],
    )


def _phases(model: str, rollout: OpenRollout | None) -> list[Sample]:
    return _one_of([model], _OPEN, rollout.phase if rollout else None)


def _of_windows(facts: list[Facts]) -> Iterator[Family]:
    seen = [(each.model, each.windows[0]) for each in facts if each.windows]
    settled = [(each.model, each.settled) for each in facts]
    yield (
        "evergreen_window_looked_timestamp_seconds",
        "When the monitor looked at a window last.",
        ["model"],
        [([model], record.at.timestamp()) for model, record in seen],
    )
    yield (
        "evergreen_window_end_timestamp_seconds",
        "The end of the newest window that could be judged.",
        ["model"],
        [([model], record.window.until.timestamp()) for model, record in settled if record],
    )
    yield (
        "evergreen_window_length_seconds",
        "How long a window is; nothing where it is of so many rows.",
        ["model"],
        [([each.model], each.window_hours * 3600) for each in facts if each.window_hours],
    )
    yield (
        "evergreen_window_rows",
        "Answers in the newest window.",
        ["model"],
        [([model], float(record.rows)) for model, record in seen],
    )
    yield (
        "evergreen_window_outcome",
        "The outcome of the newest window is 1, all others are 0.",
        ["model", "outcome"],
        [s for model, each in seen for s in _one_of([model], Outcome, each.verdict.outcome)],
    )
    yield (
        "evergreen_window_action",
        "What follows from the newest window is 1, all else is 0.",
        ["model", "action"],
        [s for model, each in seen for s in _one_of([model], Action, each.action)],
    )
    yield (
        "evergreen_window_part_outcome",
        "As the outcome, for each part of the verdict that was looked at.",
        ["model", "part", "outcome"],
        [
            sample
            for model, each in seen
            for part in each.verdict.parts
            if part.name in _PARTS
            for sample in _one_of([model, part.name], Outcome, part.outcome)
        ],
    )


def _of_triggers(facts: list[Facts]) -> Iterator[Family]:
    yield (
        "evergreen_triggers",
        "The newest triggers of the inbox, by how far they got.",
        ["model", "state"],
        [
            ([each.model, state.value], float(sum(t.state is state for t in each.triggers)))
            for each in facts
            for state in State
        ],
    )
    yield (
        "evergreen_trigger_waiting_since_timestamp_seconds",
        "When the oldest of the newest triggers that wait came.",
        ["model"],
        [
            ([each.model], min(arrived))
            for each in facts
            if (
                arrived := [
                    trigger.arrived.timestamp()
                    for trigger in each.triggers
                    if trigger.state is State.WAITING
                ]
            )
        ],
    )
    breakers = [(each.model, each.breaker) for each in facts if each.breaker]
    yield (
        "evergreen_breaker_open",
        "Whether too many challengers failed in a row for alarms to start another retrain.",
        ["model"],
        [([model], float(breaker.is_open)) for model, breaker in breakers],
    )


def _one_of(labels: list[str], all_of: Iterable[StrEnum], chosen: StrEnum | None) -> list[Sample]:
    """A sample for each value, of which one is 1; so a value that is over is 0, and not old."""
    return [([*labels, each.value], float(each is chosen)) for each in all_of]
