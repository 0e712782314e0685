"""Four values; only a yes from everybody is a yes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.verdicts import Outcome, Verdict, combine

outcomes = st.lists(st.sampled_from(Outcome), min_size=1, max_size=6)


def verdict(outcome: Outcome, name: str = "x") -> Verdict:
    return Verdict(name, outcome, f"because {name}", {"n": 1})


@given(outcomes)
def test_joined_passes_only_if_all_pass(found: list[Outcome]) -> None:
    joined = combine("all", [verdict(outcome) for outcome in found])
    assert joined.has_passed == (set(found) == {Outcome.PASSED})
    assert joined.outcome in found
    assert len(joined.parts) == len(found)


@given(outcomes)
def test_the_order_does_not_matter(found: list[Outcome]) -> None:
    there, back = (
        combine("all", [verdict(outcome) for outcome in order]) for order in (found, found[::-1])
    )
    assert there.outcome is back.outcome


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (Outcome.FAILED, Outcome.ERROR),
        (Outcome.ERROR, Outcome.INCONCLUSIVE),
        (Outcome.INCONCLUSIVE, Outcome.PASSED),
    ],
)
def test_the_worse_of_two_wins(worse: Outcome, better: Outcome) -> None:
    joined = combine("all", [verdict(better, "good"), verdict(worse, "bad")])
    assert joined.outcome is worse
    assert joined.reason == "bad: because bad"


def test_nothing_checked_is_no_pass() -> None:
    assert combine("all", []).outcome is Outcome.INCONCLUSIVE


def test_json_and_back() -> None:
    whole = combine("all", [verdict(Outcome.PASSED), combine("inner", [verdict(Outcome.ERROR)])])
    assert Verdict.from_json(json.loads(json.dumps(whole.to_json()))) == whole
