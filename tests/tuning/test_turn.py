"""A turn's random numbers are its own."""

from __future__ import annotations

from pipelines.tuning.turn import Turn
from tests.tuning.scoring import SPACE


def test_every_slot_of_every_search_has_a_seed_of_its_own() -> None:
    seeds = {Turn(SPACE, [], slot, seed).own_seed for slot in range(50) for seed in range(50)}
    assert len(seeds) == 2500
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert Turn(SPACE, [], 3, 7).own_seed == Turn(SPACE, [], 3, 7).own_seed
