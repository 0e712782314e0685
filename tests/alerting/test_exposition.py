"""Prometheus reads what is written, with Prometheus's own parser."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.alerting.exposition import exposition
from pipelines.alerting.facts import Breaker, Facts, Snapshot, Told
from pipelines.monitoring.action import Action
from pipelines.monitoring.triggers.events import State
from pipelines.rollout.state import Phase
from pipelines.state import runs
from pipelines.verdicts import Outcome, Verdict
from tests.alerting.factories import MODEL, NOW, entry, rollout, run, snapshot, trigger, window

FULL = Facts(
    MODEL,
    entries=(entry(version="alpha@v3", seconds=-100),),
    runs=(run(runs.REFUSED), run(runs.FAILED), run(runs.PROMOTED), run(runs.REFUSED)),
    rollout=rollout(),
    windows=(
        window(
            Action.QUARANTINE,
            hours_ago=1,
            parts=(
                Verdict("data", Outcome.FAILED, "half of wind_speed is missing"),
                Verdict("labelled quality", Outcome.INCONCLUSIVE, "no label has come yet"),
                Verdict("unchecked", Outcome.INCONCLUSIVE, "no attribution"),
                Verdict("unchecked", Outcome.INCONCLUSIVE, "no skew"),
            ),
        ),
        window(Action.NOTHING, Outcome.PASSED, hours_ago=25),
    ),
    window_hours=24.0,
    triggers=(trigger(hours_ago=2), trigger(hours_ago=5), trigger(State.DONE, hours_ago=9)),
    breaker=Breaker(2, 2, 0.0),
)


def samples(given: Snapshot) -> dict[tuple[str, ...], float]:
    """Value by name and label values, in the order of the label names."""
    found = {}
    for family in text_string_to_metric_families(exposition(given)):
        for sample in family.samples:
            values = [value for _, value in sorted(sample.labels.items())]
            key = (sample.name, *values)
            assert key not in found, "Prometheus refuses a file with a series twice"
            found[key] = sample.value
    return found


@pytest.mark.parametrize(
    ("series", "value"),
    [
        (("evergreen_state_timestamp_seconds",), NOW),
        (("evergreen_alerts_total", "delivered"), 3),
        (("evergreen_alerts_total", "failed"), 1),
        (("evergreen_live_info", MODEL, "v3"), 1),
        (("evergreen_live_since_timestamp_seconds", MODEL), NOW - 100),
        (("evergreen_retrain_running", MODEL), 0),
        (("evergreen_retrain_orphaned", MODEL), 0),
        (("evergreen_retrain_failures_in_row", MODEL), 2),
        (("evergreen_rollout_phase", MODEL, "stepping"), 1),
        (("evergreen_rollout_phase", MODEL, "mirroring"), 0),
        (("evergreen_rollout_unreadable", MODEL), 0),
        (("evergreen_rollout_weight_percent", MODEL), 25),
        (("evergreen_rollout_paused", MODEL), 0),
        (("evergreen_rollout_looked_timestamp_seconds", MODEL), NOW - 10),
        (("evergreen_rollout_entered_timestamp_seconds", MODEL), NOW - 60),
        (("evergreen_window_looked_timestamp_seconds", MODEL), NOW - 3600),
        (("evergreen_window_end_timestamp_seconds", MODEL), NOW - 3600),
        (("evergreen_window_length_seconds", MODEL), 86_400),
        (("evergreen_window_rows", MODEL), 5000),
        (("evergreen_window_outcome", MODEL, "FAILED"), 1),
        (("evergreen_window_outcome", MODEL, "PASSED"), 0),
        (("evergreen_window_action", "quarantine", MODEL), 1),
        (("evergreen_window_action", "nothing", MODEL), 0),
        (("evergreen_window_part_outcome", MODEL, "FAILED", "data"), 1),
        (("evergreen_window_part_outcome", MODEL, "INCONCLUSIVE", "labelled quality"), 1),
        (("evergreen_triggers", MODEL, "waiting"), 2),
        (("evergreen_triggers", MODEL, "done"), 1),
        (("evergreen_trigger_waiting_since_timestamp_seconds", MODEL), NOW - 5 * 3600),
        (("evergreen_breaker_open", MODEL), 1),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
def test_each_fact_is_there(series: tuple[str, ...], value: float) -> None:
    assert samples(Snapshot(NOW, (FULL,), Told(3, 1)))[series] == value


def test_a_model_without_a_past_has_zeros_and_no_moments() -> None:
    found = samples(snapshot(Facts(MODEL)))
    assert found["evergreen_rollout_phase", MODEL, "stepping"] == 0
    assert found["evergreen_triggers", MODEL, "waiting"] == 0
    # Nothing is as bad as 1970 would look.
    assert [key for key in found if "timestamp" in key[0] and MODEL in key] == []


def test_only_one_phase_is_on_and_all_are_there() -> None:
    for phase in (Phase.PENDING, Phase.AWAITING_APPROVAL):
        found = samples(snapshot(Facts(MODEL, rollout=rollout(phase=phase))))
        phases = {key[2]: value for key, value in found.items() if key[0].endswith("_phase")}
        assert [name for name, value in phases.items() if value] == [phase.value]
        assert len(phases) == 4


def test_a_running_retrain_and_an_orphan_are_told_apart() -> None:
    at_work = run(runs.RUNNING, finished=None)
    found = samples(snapshot(Facts(MODEL, runs=(at_work,))))
    assert found["evergreen_retrain_running", MODEL] == 1
    found = samples(snapshot(Facts(MODEL, runs=(at_work,), orphan=at_work)))
    assert found["evergreen_retrain_running", MODEL] == 0
    assert found["evergreen_retrain_orphaned", MODEL] == 1


def test_models_stand_side_by_side_and_the_text_ends_in_a_line() -> None:
    text = exposition(snapshot(Facts("alpha"), Facts("beta")))
    assert text.endswith("\n")
    assert 'evergreen_rollout_unreadable{model="alpha"} 0.0' in text
    assert 'evergreen_rollout_unreadable{model="beta"} 0.0' in text
