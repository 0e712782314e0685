"""Columns against their reference: effects, chance, missing values, and who may alarm."""

from __future__ import annotations

import numpy as np

from pipelines.monitoring.comparing import CategoryReference, NumberReference
from pipelines.monitoring.drift import shifts
from pipelines.settings import MonitorSettings

SETTINGS = MonitorSettings()
DRAW = np.random.default_rng(0)
NUMBER = NumberReference.of(np.where(DRAW.random(5000) < 0.1, np.nan, DRAW.normal(size=5000)))
NAME = CategoryReference({"a": 3000, "b": 1900, "c": 100}, 0, frozenset("abc"))


def test_a_large_change_drifts_and_a_small_one_is_only_significant() -> None:
    references = {"feature x": NUMBER, "feature y": NUMBER}
    seen = {
        "feature x": NUMBER.see(DRAW.normal(0.5, 1, 50_000)),
        "feature y": NUMBER.see(np.where(DRAW.random(50_000) < 0.1, np.nan, DRAW.normal(0.1, 1))),
    }
    seen["feature y"] = NUMBER.see(
        np.where(DRAW.random(50_000) < 0.1, np.nan, DRAW.normal(0.1, 1, 50_000))
    )
    found = {shift.name: shift for shift in shifts(references, seen, frozenset(), SETTINGS)}
    assert found["feature x"].has_drifted
    assert found["feature y"].is_significant
    assert not found["feature y"].has_drifted
    # The silence of a sensor is a question of its own.
    assert found["missing x"].effect == "share"
    assert found["missing x"].value > 0.09
    assert not found["missing y"].has_drifted


def test_the_farthest_over_its_limit_comes_first_and_importance_is_told() -> None:
    references = {"feature x": NUMBER, "feature k": NAME}
    seen = {
        "feature x": NUMBER.see(np.where(DRAW.random(3000) < 0.1, np.nan, DRAW.normal(size=3000))),
        "feature k": NAME.see({"a": 500, "b": 2400, "new": 100}, 0),
    }
    first, *_ = shifts(references, seen, frozenset({"feature k"}), SETTINGS)
    assert (first.name, first.is_important, first.has_drifted) == ("feature k", True, True)
    assert first.to_json()["effect"] in ("JS", "PSI")


def test_nothing_is_compared_of_nothing() -> None:
    assert shifts({}, {}, frozenset(), SETTINGS) == []


def test_portions_add_up() -> None:
    values = DRAW.normal(size=1000)
    parts = NUMBER.see(values[:300]) + NUMBER.see(values[300:])
    whole = NUMBER.see(values)
    assert parts.rows == whole.rows
    assert (parts.low, parts.high) == (whole.low, whole.high)
    assert np.array_equal(parts.placed.between, whole.placed.between)
    both = NAME.see({"a": 1, "z": 2}, 1) + NAME.see({"a": 2}, 0)
    assert (both.known, both.others, both.unseen, both.missing, both.rows) == ({"a": 3}, 2, 2, 1, 6)


def test_how_many_names_there_are_takes_no_memory() -> None:
    seen = NAME.see({f"name {number}": 1 for number in range(1000)}, 0)
    assert seen.known == {}
    assert seen.others == 1000


def test_what_may_be_is_a_range_beyond_what_was() -> None:
    reference = NumberReference.of(np.array([10.0, 20.0]))
    assert reference.plausible == (0.0, 30.0)
    assert NumberReference.of(np.array([5.0])).plausible == (0.0, 10.0)
    assert NumberReference.of(np.array([np.nan])).plausible == (-np.inf, np.inf)
