"""Evidence from real logs: what is counted, as whose, and that it is the same each time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import LogError
from pipelines.observing.observe import STRETCH_SECONDS, observe, watermark
from pipelines.predictions.feedback import Feedback
from pipelines.rollout.evidence import Counts, Evidence, Exposure
from pipelines.rollout.plan import Expected, Plan, Scale
from pipelines.schema import Schema
from pipelines.settings import RolloutSettings
from tests.observing.traffic import ALONE, CHALLENGER, CHAMPION, TIMEOUT, Traffic, answered

T0 = 1_800_000_000.0
PLAN = Plan(
    id="r-1",
    model="flights",
    champion=CHAMPION,
    challenger=CHALLENGER,
    latency_ms=40.0,
    expected=Expected(0.02, 0.03),
    settings=RolloutSettings(),
)


@pytest.fixture
def traffic(tmp_path: Path) -> Traffic:
    return Traffic(tmp_path)


def seen(traffic: Traffic, begin: float = T0, end: float = T0 + 30) -> Evidence:
    return observe(traffic.sources, PLAN, begin, end)


def counts(evidence: Evidence, metric: str, weight: int = 25) -> tuple[Counts, Counts]:
    """The challenger's, the champion's."""
    found = [e for e in evidence.exposures if (e.metric, e.weight_percent) == (metric, weight)]
    return (found[0].challenger, found[0].champion) if found else (Counts(), Counts())


def test_nothing_happened_is_evidence_of_nothing(traffic: Traffic) -> None:
    assert seen(traffic) == Evidence(T0, T0 + 30)


def test_the_watermark_is_a_whole_second_that_the_logs_have_passed() -> None:
    assert watermark(T0 + 0.9) == T0 - 3
    assert watermark(T0 + 0.9).is_integer()


def test_each_arm_has_its_own_bad_events(traffic: Traffic) -> None:
    traffic.add(T0 + 1)
    traffic.add(T0 + 2, has_failed=True)
    traffic.add(T0 + 3, CHALLENGER, has_failed=True, has_timed_out=True)
    traffic.add(T0 + 4, CHALLENGER, duration_ms=41.0)
    evidence = seen(traffic)
    assert counts(evidence, "errors") == (Counts(2, 0), Counts(2, 1))
    assert counts(evidence, "timeouts") == (Counts(2, 1), Counts(2, 0))
    assert counts(evidence, "latency") == (Counts(2, 1), Counts(2, 0))
    assert counts(evidence, "invalid") == (Counts(), Counts())


def test_what_the_champion_answered_in_its_place_is_the_challengers_error(
    traffic: Traffic,
) -> None:
    request = traffic.add(T0 + 1, CHALLENGER, has_failed=True)
    traffic.answer([answered(request, version=CHAMPION)])
    evidence = seen(traffic)
    assert counts(evidence, "errors") == (Counts(1, 1), Counts())
    # Nor is the champion's answer the challenger's valid one.
    assert counts(evidence, "invalid") == (Counts(), Counts())


@pytest.mark.parametrize(
    "changes",
    [
        {"is_refused": True, "is_answered": False},
        {"weights": ALONE},
        {"weights": {CHAMPION: 100, CHALLENGER: 0}},
        {"weights": {CHALLENGER: 100}},
        {"arm": "flights@v9"},
    ],
    ids=["refused", "champion-alone", "not-yet", "challenger-alone", "another"],
)
def test_what_speaks_of_neither_arm_is_not_counted(traffic: Traffic, changes) -> None:
    traffic.add(T0 + 1, **changes)
    assert seen(traffic).exposures == ()


def test_a_client_that_tries_again_is_one_event(traffic: Traffic) -> None:
    for second in range(20):
        traffic.add(T0 + second, CHALLENGER, session="s-1", has_failed=True)
    traffic.add(T0 + 21, CHALLENGER, session="s-1")
    traffic.add(T0 + 22, CHALLENGER)
    traffic.add(T0 + 23, session="s-1")
    assert counts(seen(traffic), "errors") == (Counts(2, 1), Counts(1, 0))


def test_an_answer_that_is_no_probability_is_invalid(traffic: Traffic) -> None:
    requests = [traffic.add(T0 + at, CHALLENGER) for at in range(4)]
    values = [0.5, np.nan, 1.5, [0.5, np.inf]]
    traffic.answer([answered(r, v) for r, v in zip(requests, values, strict=True)])
    assert counts(seen(traffic), "invalid") == (Counts(4, 3), Counts())


def test_weights_are_kept_apart(traffic: Traffic) -> None:
    traffic.add(T0 + 1, weights={CHAMPION: 95, CHALLENGER: 5})
    traffic.add(T0 + 2, CHALLENGER)
    evidence = seen(traffic)
    assert counts(evidence, "errors", 5) == (Counts(), Counts(1, 0))
    assert counts(evidence, "errors", 25) == (Counts(1, 0), Counts())


def mirrored(traffic: Traffic, at: float, **changes):
    return traffic.add(T0 + at, weights=ALONE, mirror=CHALLENGER, **changes)


def test_copies_are_paired_with_their_originals(traffic: Traffic) -> None:
    same, other, rows = (mirrored(traffic, at) for at in (1, 2, 3))
    traffic.answer(
        [
            answered(same, 0.25),
            answered(same, 0.25, is_shadow=True, latency_ms=50),
            answered(other, 0.25),
            answered(other, 0.75, is_shadow=True),
            answered(rows, [0.25, 0.25]),
            answered(rows, [0.25, 0.75], is_shadow=True),
        ]
    )
    pairs = seen(traffic).pairs
    assert (pairs.count, pairs.disagreements.total, pairs.gaps.total) == (3, 1.5, 0.75)
    assert pairs.gaps.squares == 0.5**2 + 0.25**2
    evidence = seen(traffic)
    assert counts(evidence, "errors", 0) == (Counts(3, 0), Counts(3, 0))
    assert counts(evidence, "latency", 0) == (Counts(3, 1), Counts(3, 0))
    assert counts(evidence, "timeouts", 0) == (Counts(3, 0), Counts(3, 0))
    assert counts(evidence, "invalid", 0) == (Counts(3, 0), Counts(3, 0))


def test_a_copy_that_was_never_answered_is_an_error_once_it_is_too_late(traffic: Traffic) -> None:
    request = mirrored(traffic, 1)
    traffic.answer([answered(request)])
    assert seen(traffic, T0, T0 + TIMEOUT).exposures == ()
    late = seen(traffic, T0 + TIMEOUT, T0 + 2 * TIMEOUT)
    assert counts(late, "errors", 0) == (Counts(1, 1), Counts(1, 0))
    assert late.pairs.count == 0


def test_a_request_that_neither_could_answer_is_bad_of_both(traffic: Traffic) -> None:
    mirrored(traffic, 1, has_failed=True)
    mirrored(traffic, 2, is_refused=True)
    assert counts(seen(traffic), "errors", 0) == (Counts(1, 1), Counts(1, 1))


def test_the_champion_alone_was_never_mirrored(traffic: Traffic) -> None:
    traffic.add(T0 + 1, weights=ALONE)
    mirrored(traffic, 2, arm=CHALLENGER)
    assert seen(traffic).exposures == ()


def test_answers_of_other_rows_are_as_far_apart_as_can_be(traffic: Traffic) -> None:
    request = mirrored(traffic, 1)
    traffic.answer([answered(request, [0.2, 0.3]), answered(request, 0.2, is_shadow=True)])
    pairs = seen(traffic).pairs
    assert (pairs.disagreements.mean, pairs.gaps.mean) == (1.0, 1.0)


def test_labels_in_time_say_who_was_wrong(traffic: Traffic) -> None:
    right, wrong = (traffic.add(T0 + at, CHALLENGER) for at in (1, 2))
    shadowed = mirrored(traffic, 3)
    traffic.answer(
        [
            answered(right, 0.9),
            answered(wrong, [0.1, 0.9]),
            answered(shadowed, 0.9),
            answered(shadowed, 0.1, is_shadow=True),
        ]
    )
    ids = [right.request_id, wrong.request_id, shadowed.request_id, "nobody"]
    traffic.label(ids, [1, 1, 1, 1], T0 + 100)
    # A correction came later: what was counted stays counted.
    traffic.label([wrong.request_id], [0], T0 + 200)
    evidence = seen(traffic, T0 + 90, T0 + 110)
    assert counts(evidence, "wrong") == (Counts(2, 1), Counts())
    assert counts(evidence, "wrong", 0) == (Counts(1, 1), Counts(1, 0))
    assert seen(traffic, T0 + 190, T0 + 210).exposures == ()


def test_a_label_that_came_after_an_hour_is_not_the_rollouts(traffic: Traffic) -> None:
    request = traffic.add(T0 + 1, CHALLENGER)
    traffic.answer([answered(request)])
    traffic.label([request.request_id], [1], T0 + 3700)
    assert seen(traffic, T0 + 3690, T0 + 3710).exposures == ()


def test_a_value_is_wrong_beyond_the_tolerance(tmp_path: Path) -> None:
    schema = Schema(
        ("distance", "departure_hour", "wind_speed"),
        ("carrier", "origin"),
        "delay",
        task="regression",
    )
    traffic = Traffic(tmp_path, schema)
    requests = [traffic.add(T0 + at, CHALLENGER) for at in range(3)]
    values = [10.0, 16.0, np.nan]
    traffic.answer(
        [
            answered(r)._replace(outputs={"value": np.array([v])})
            for r, v in zip(requests, values, strict=True)
        ]
    )
    traffic.label([r.request_id for r in requests], [12, 12, 12], T0 + 20)
    plan = Plan(
        **{
            **{f: getattr(PLAN, f) for f in PLAN.__struct_fields__},
            "scale": Scale(span=40.0, tolerance=3.0),
        }
    )
    evidence = observe(traffic.sources, plan, T0, T0 + 30)
    assert counts(evidence, "wrong") == (Counts(3, 2), Counts())
    assert counts(evidence, "invalid") == (Counts(3, 1), Counts())


def busy(traffic: Traffic, seconds: int) -> None:
    """Every kind of request, each second."""
    answers = []
    for second in range(seconds):
        arm = CHALLENGER if second % 4 == 0 else CHAMPION
        request = traffic.add(
            T0 + second + 0.5, arm, has_failed=second % 7 == 0, session=f"s{second}"
        )
        copied = mirrored(traffic, second + 0.7)
        answers += [answered(request), answered(copied, 0.3)]
        if second % 5:
            answers.append(answered(copied, 0.35, is_shadow=True))
    traffic.answer(answers)
    ids = [request.request_id for request in traffic.requests]
    traffic.label(ids[::3], [second % 2 for second, _ in enumerate(ids[::3])], T0 + seconds / 2)


def total(looks: list[Evidence]) -> dict[tuple[str, int], Exposure]:
    found: dict[tuple[str, int], Exposure] = {}
    for look in looks:
        for e in look.exposures:
            key = (e.metric, e.weight_percent)
            known = found.get(key, Exposure(*key, Counts(), Counts()))
            found[key] = Exposure(
                *key, known.challenger + e.challenger, known.champion + e.champion
            )
    return found


def test_however_it_is_cut_the_same_is_seen_once(traffic: Traffic) -> None:
    """Looks of any length add up to one look, a stretch read again is the same."""
    busy(traffic, 150)
    whole = seen(traffic, T0, T0 + 150)
    assert whole == seen(traffic, T0, T0 + 150)
    assert whole.end - whole.begin > 2 * STRETCH_SECONDS
    cuts = [T0, T0 + 1, T0 + 11, T0 + 90, T0 + 150]
    looks = [seen(traffic, a, b) for a, b in pairwise(cuts)]
    assert total(looks) == total([whole])
    assert sum(look.pairs.count for look in looks) == whole.pairs.count > 50


def test_a_log_that_cannot_be_read_is_no_evidence(traffic: Traffic) -> None:
    request = traffic.add(T0 + 1)
    traffic.answer([answered(request)])
    [segment] = (traffic.folder / "predictions").glob("*.parquet")
    segment.write_bytes(b"not parquet")
    with pytest.raises(LogError):
        seen(traffic)


def test_a_version_of_another_task_is_refused(traffic: Traffic) -> None:
    request = traffic.add(T0 + 1, CHALLENGER)
    traffic.answer([answered(request)._replace(outputs={"value": np.array([1.0])})])
    with pytest.raises(LogError, match="output_probability"):
        seen(traffic)


def test_classes_are_paired_by_all_their_probabilities(tmp_path: Path) -> None:
    schema = Schema(
        ("distance", "departure_hour", "wind_speed"),
        ("carrier", "origin"),
        "kind",
        task="multiclass",
        classes=("cat", "dog", "owl"),
    )
    traffic = Traffic(tmp_path, schema)

    def said(request, label: str, probabilities: list[float], **more):
        outputs = {"label": np.array([label]), "probabilities": np.array([probabilities])}
        return answered(request, **more)._replace(outputs=outputs)

    request = mirrored(traffic, 1)
    other = mirrored(traffic, 2)
    traffic.answer(
        [
            said(request, "cat", [0.6, 0.3, 0.1]),
            said(request, "dog", [0.3, 0.6, 0.1], is_shadow=True),
            said(other, "owl", [0.0, 0.0, 1.0]),
            said(other, "owl", [0.0, np.nan, 1.0], is_shadow=True),
        ]
    )
    traffic.label([request.request_id, other.request_id], ["dog", "owl"], T0 + 20)
    evidence = seen(traffic)
    assert (evidence.pairs.count, evidence.pairs.disagreements.total) == (2, 1.0)
    # What is no number is as far away as can be.
    assert evidence.pairs.gaps.total == pytest.approx(0.3 + 1.0)
    assert counts(evidence, "invalid", 0) == (Counts(2, 1), Counts(2, 0))
    assert counts(evidence, "wrong", 0) == (Counts(2, 0), Counts(2, 1))


def test_a_label_that_is_none_of_this_task_is_left_out(tmp_path: Path) -> None:
    names = ("distance", "departure_hour", "wind_speed")
    schema = Schema(names, ("carrier", "origin"), "delay", task="regression")
    traffic = Traffic(tmp_path, schema)
    value = {"value": np.array([10.0])}
    first, second = (traffic.add(T0 + at, CHALLENGER) for at in (1, 2))
    traffic.answer([answered(each)._replace(outputs=value) for each in (first, second)])
    # Of another row than was asked about; and by a server that knew no schema.
    (tmp_path / "feedback").mkdir()
    feedback = Feedback.open(tmp_path / "feedback")
    arrived = int((T0 + 20) * 1e9)
    feedback.add([first.request_id], [10], rows=[7], arrived_ns=arrived)
    feedback.add([second.request_id], ["late"], arrived_ns=arrived)
    feedback.close(30)
    assert counts(seen(traffic), "wrong") == (Counts(), Counts())
