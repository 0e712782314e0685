"""How often a monitor is wrong, in small; `python -m benchmarks simulate-monitor` is the whole."""

from __future__ import annotations

from benchmarks.monitor_runs import World, asked_on, labels_asked_on


def test_a_calm_quarter_asks_for_nothing() -> None:
    calm = World(rows=1000, days=30)
    assert [asked_on(calm, seed) for seed in range(3)] == [[], [], []]


def test_five_calm_years_of_labels_ask_for_less_than_one_retrain_a_year() -> None:
    years = [labels_asked_on(World(rows=1000, days=365), seed) for seed in range(5)]
    assert sum(map(len, years)) <= 5


def test_a_shift_of_one_important_feature_is_found_within_two_windows() -> None:
    moved = World(rows=1000, days=2, shift=0.3)
    found = [asked_on(moved, seed) for seed in range(100)]
    assert all(day == 2 and cause == "columns" for asked in found for day, cause in asked)
    assert sum(bool(asked) for asked in found) >= 99


def test_labels_that_are_drawn_by_lot_are_noticed_within_days() -> None:
    worse = World(rows=1000, days=10, unsure=0.2)
    assert all(labels_asked_on(worse, seed) for seed in range(10))
