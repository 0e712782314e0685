import numpy as np
import pytest

from pipelines.gates.evidence import Paired
from pipelines.gates.slices import POOLED, judge_fairness, judge_slices
from pipelines.statistics.blocks import Blocks
from pipelines.verdicts import Outcome
from tests.gates.factories import SETTINGS
from tests.gates.simulation import World

# Sixteen carriers of very unequal size, as in real flight data, three origins, two months.
CARRIERS = np.array([f"C{number:02d}" for number in range(16)])
SHARES = np.array([18, 16, 15, 14, 10, 8, 6, 4, 3, 2, 1.5, 1, 0.7, 0.4, 0.3, 0.1])
WORLD = World(rows=20_000, prevalence=0.22, champion_auc=0.75, challenger_auc=0.75, days=21)


def flights(seed, world=WORLD):
    labels, champion, challenger, days = world.draw(seed)
    generator = np.random.default_rng(seed + 5000)
    columns = {
        "carrier": generator.choice(CARRIERS, world.rows, p=SHARES / SHARES.sum()),
        "origin": generator.choice(["EWR", "JFK", "LGA"], world.rows, p=[0.36, 0.33, 0.31]),
        "month": np.where(days < 10, 5, 6),
    }
    return Paired("binary", labels, challenger, champion, Blocks.of(days)), columns


def harmed(paired, mask, share, seed=1):
    """The challenger answers a share of the rows of a slice with other rows' answers."""
    generator = np.random.default_rng(seed)
    chosen = np.flatnonzero(mask & (generator.random(mask.size) < share))
    scores = paired.challenger.copy()
    scores[chosen] = scores[generator.permutation(chosen)]
    return Paired("binary", paired.labels, scores, paired.champion, paired.blocks)


def names(verdict, what="is_harmed"):
    return [found["slice"] for found in verdict.evidence["tested"] if found[what]]


def test_equal_models_pass_on_a_realistic_holdout():
    outcomes = [judge_slices(*flights(seed), SETTINGS).outcome for seed in range(25)]
    print(f"equal models: {outcomes.count(Outcome.PASSED)} of 25 passed the slice gate")
    assert outcomes.count(Outcome.PASSED) >= 24
    assert Outcome.FAILED not in outcomes


def test_a_slice_that_broke_is_found_and_named():
    found = 0
    for seed in range(10):
        paired, columns = flights(seed)
        verdict = judge_slices(harmed(paired, columns["carrier"] == "C05", 0.7), columns, SETTINGS)
        found += verdict.outcome is Outcome.FAILED and names(verdict) == ["carrier=C05"]
    assert found >= 9


def test_a_broken_slice_hides_in_the_whole():
    paired, columns = flights(1)
    broken = harmed(paired, columns["carrier"] == "C05", 0.7)
    verdict = judge_slices(broken, columns, SETTINGS)
    whole = [f for f in verdict.evidence["tested"] if f["slice"].startswith("origin")]
    assert verdict.outcome is Outcome.FAILED
    assert all(not found["is_harmed"] for found in whole)


def test_a_slice_at_the_margin_seldom_passes():
    # One slice whose true loss is the margin: promotion would be wrong, and about as rare as alpha.
    passed = 0
    for seed in range(25):
        paired, columns = flights(seed)
        weaker = World(
            rows=20_000, prevalence=0.22, champion_auc=0.75, challenger_auc=0.70, days=21
        )
        _, _, worse, _ = weaker.draw(seed)
        mask = columns["origin"] == "JFK"
        scores = np.where(mask, worse, paired.challenger)
        mixed = Paired("binary", paired.labels, scores, paired.champion, paired.blocks)
        passed += judge_slices(mixed, columns, SETTINGS).has_passed
    print(f"one slice at the margin: {passed} of 25 passed")
    assert passed <= 4


def test_small_values_are_judged_together_and_reported_apart():
    paired, columns = flights(1)
    verdict = judge_slices(paired, {"carrier": columns["carrier"]}, SETTINGS)
    tested = [found["slice"] for found in verdict.evidence["tested"]]
    reported = [found["slice"] for found in verdict.evidence["reported_only"]]
    assert f"carrier={POOLED}" in tested
    assert {"carrier=C12", "carrier=C15"} <= set(reported)
    assert sorted(tested + reported) == sorted(f"carrier={name}" for name in (*CARRIERS, POOLED))
    assert all(
        min(found["rows"].values()) >= SETTINGS.slice_positives
        for found in verdict.evidence["tested"]
    )


def test_harm_spread_over_small_values_is_found_in_their_pool():
    paired, columns = flights(2)
    carriers = {"carrier": columns["carrier"]}
    small = SETTINGS.model_copy(update={"slice_positives": 400})
    pool = np.isin(columns["carrier"], CARRIERS[7:])
    verdict = judge_slices(harmed(paired, pool, 0.7), carriers, small)
    assert names(verdict) == [f"carrier={POOLED}"]


def test_an_open_slice_that_nobody_could_clear_does_not_block_and_a_fairness_group_does():
    # Weakly correlated models: small slices are too noisy to clear at this margin.
    noisy = World(
        rows=6000, prevalence=0.22, champion_auc=0.75, challenger_auc=0.75, correlation=0.3, days=21
    )
    paired, columns = flights(8, noisy)
    settings = SETTINGS.model_copy(update={"slice_positives": 100, "fairness": ("carrier",)})
    ordinary = judge_slices(paired, {"carrier": columns["carrier"]}, settings)
    strict = judge_fairness(paired, columns, settings)
    open_slices = [
        found
        for found in ordinary.evidence["tested"]
        if not (found["is_cleared"] or found["is_harmed"])
    ]
    assert open_slices
    assert not any(found["is_testable"] for found in open_slices)
    assert ordinary.has_passed, ordinary.reason
    assert strict.outcome is Outcome.INCONCLUSIVE


def test_thousands_of_rare_values_are_pooled_and_do_not_bury_the_evidence():
    paired, _ = flights(1)
    tails = np.array([f"N{number}" for number in np.arange(20_000) % 4000], dtype=object)
    tails[::7] = None
    verdict = judge_slices(paired, {"tail": tails}, SETTINGS)
    assert verdict.has_passed
    assert [found["slice"] for found in verdict.evidence["tested"]] == [
        "tail=None",
        f"tail={POOLED}",
    ]
    assert len(verdict.evidence["reported_only"]) == 50
    assert verdict.evidence["reported_only_count"] == 4000


def test_no_slice_large_enough_is_inconclusive():
    paired, columns = flights(1, World(rows=500, prevalence=0.22, days=21))
    assert judge_slices(paired, columns, SETTINGS).outcome is Outcome.INCONCLUSIVE


def test_a_declared_group_that_the_holdout_lacks_is_inconclusive():
    paired, columns = flights(1)
    declared = SETTINGS.model_copy(update={"fairness": ("age", "origin")})
    verdict = judge_fairness(paired, columns, declared)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "age" in verdict.reason


@pytest.mark.slow
def test_equal_models_are_rarely_accused():
    outcomes = [judge_slices(*flights(seed), SETTINGS).outcome for seed in range(100, 150)]
    assert outcomes.count(Outcome.FAILED) <= 1
    assert outcomes.count(Outcome.PASSED) >= 47
