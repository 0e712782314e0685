"""A promotion in good health; each test breaks one thing in it."""

from dataclasses import replace

import numpy as np

from pipelines.gates.evidence import Candidate, Case, Holdout, Leg, Run
from pipelines.settings import GateSettings
from pipelines.statistics.auc import chance_standard_error
from pipelines.statistics.chance import Chance
from tests.gates.simulation import World

SETTINGS = GateSettings(bootstrap_rounds=400)
ROWS = 6000
DAYS = 24
FIRST_HELD_DAY = 1000
# Smaller than the full 20,000 rows, so the champion is a little weaker instead of equal.
WORLD = World(rows=ROWS, prevalence=0.2, champion_auc=0.84, days=DAYS)

RUN = Run(
    is_forced=True,
    control=Chance("AUC", 0.505, 0.5, chance_standard_error(1200, 4800)),
    cases=(
        Case("boundary", "extreme values", 0.0, 0.0, 64),
        Case("missing", "all columns", 0.0, 0.0, 64),
        Case("direction", "distance", 0.0, 0.01, 500),
    ),
    legs=(
        Leg("training", "onnx", 3e-7, 1e-4, 1000),
        Leg("onnx", "bento", 0.0, 1e-6, 1000),
    ),
)


def health(seed=1, world=WORLD):
    """Challenger, champion and holdout: nothing is wrong with any of them."""
    labels, old, new, days = world.draw(seed)
    generator = np.random.default_rng(seed + 1000)
    rows = labels.size
    held = np.sort(days) + FIRST_HELD_DAY
    holdout = Holdout(
        labels=labels,
        blocks=held,
        row_hashes=np.arange(rows, dtype=np.uint64) + 10_000_000,
        data_hash="md5:holdout",
        time=held.astype("datetime64[D]"),
        slices={
            "carrier": generator.choice(["AA", "B6", "UA", "WN"], rows),
            "origin": generator.choice(["EWR", "JFK", "LGA"], rows),
        },
        features={
            "distance": labels + generator.normal(0, 2, rows),
            "carrier": generator.choice(["AA", "B6", "UA", "WN"], rows),
            "tail_number": np.array([f"N{number}" for number in range(rows)]),
        },
    )
    challenger = Candidate(
        name="flights@v2",
        digest="c" * 64,
        scores=new,
        trained_blocks=np.arange(FIRST_HELD_DAY),
        trained_row_hashes=np.arange(50_000, dtype=np.uint64),
        trained_until=np.datetime64(FIRST_HELD_DAY - 1, "D"),
        latency_ms=0.8,
        megabytes=1.2,
    )
    champion = replace(challenger, name="flights@v1", digest="a" * 64, scores=old)
    return challenger, champion, holdout
