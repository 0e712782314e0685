import math

import numpy as np
import pytest
from scipy import stats

from pipelines.statistics import power
from pipelines.statistics.delong import paired_difference
from pipelines.statistics.estimate import Estimate
from tests.gates.simulation import World


def test_mcnemar_is_the_exact_sign_test_of_the_discordant_rows():
    first = np.array([True] * 12 + [False] * 4 + [True] * 50)
    second = np.array([False] * 12 + [True] * 4 + [True] * 50)
    found = power.mcnemar(first, second)
    assert (found.first_only, found.second_only) == (12, 4)
    assert found.p_value == pytest.approx(2 * stats.binom.sf(11, 16, 0.5))


def test_mcnemar_of_equal_decisions_says_nothing():
    right = np.array([True, False, True])
    assert power.mcnemar(right, right).p_value == 1.0


def test_the_rows_asked_for_give_the_power_asked_for():
    world = World(rows=2000)
    labels, champion, challenger, _ = world.draw(1)
    errors = []
    for seed in range(20):
        labels, champion, challenger, _ = world.draw(seed)
        errors.append(paired_difference(labels, challenger, champion).standard_error)
    typical = Estimate(0.0, float(np.mean(errors)), math.inf, 200)
    needed = power.needed_rows(typical, 2000, 0.02, alpha=0.05, power=0.8)
    assert 1000 < needed < 4000
    larger = World(rows=needed)
    shown = 0
    for seed in range(400):
        labels, champion, challenger, _ = larger.draw(seed)
        shown += paired_difference(labels, challenger, champion).lower(0.05) > -0.02
    assert 0.74 <= shown / 400 <= 0.86


def test_needed_blocks_reach_the_distance_with_their_own_degrees_of_freedom():
    estimate = Estimate(0.0, 0.01, degrees=20, units=21)
    blocks = power.needed_blocks(estimate, 0.01, alpha=0.05, power=0.8)
    grown = Estimate(0.0, 0.01 * math.sqrt(21 / blocks), blocks - 1, blocks)
    assert power.detectable_distance(grown, 0.05, 0.8) <= 0.01
    fewer = Estimate(0.0, 0.01 * math.sqrt(21 / (blocks - 2)), blocks - 3, blocks - 2)
    assert power.detectable_distance(fewer, 0.05, 0.8) > 0.01


def test_few_blocks_cost_more_than_the_normal_limit_says():
    estimate = Estimate(0.0, 0.01, degrees=20, units=21)
    blocks = power.needed_blocks(estimate, 0.03, alpha=0.05, power=0.8)
    assert blocks > power.needed_rows(estimate, 21, 0.03, alpha=0.05, power=0.8)
