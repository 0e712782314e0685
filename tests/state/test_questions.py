"""A holdout that was asked before stays asked, whatever happened to the run that asked it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pipelines.state import questions
from pipelines.state.questions import Asked

MARCH = Asked("d1", "2013-03-11", "2013-03-31")


def test_a_fresh_holdout_has_never_been_asked(engine: sa.Engine) -> None:
    assert questions.times_asked(engine, "alpha", MARCH, but="run-1") == 0


def test_each_run_counts_once_and_not_for_itself(engine: sa.Engine) -> None:
    for run in ("run-1", "run-1", "run-2"):
        questions.note(engine, run, "alpha", MARCH)
    assert questions.times_asked(engine, "alpha", MARCH, but="run-2") == 1
    assert questions.times_asked(engine, "alpha", MARCH, but="run-3") == 2
    assert questions.times_asked(engine, "beta", MARCH, but="run-3") == 0


@pytest.mark.parametrize(
    ("asked", "is_same"),
    [
        (Asked("other rows", "2013-03-12", "2013-03-31"), True),  # one day less is no new holdout
        (Asked("other rows", "2013-03-18", "2013-04-07"), True),  # a week later: two thirds known
        (Asked("other rows", "2013-03-25", "2013-04-14"), False),  # two weeks later: one third
        (Asked("other rows", "2013-05-11", "2013-05-31"), False),
        (Asked("d1"), True),
        (Asked("other rows"), False),
    ],
)
def test_when_two_holdouts_are_the_same(asked: Asked, is_same: bool) -> None:
    assert questions.is_same(asked, MARCH) is is_same
