"""Knobs: values inside their bounds, and a clear word on what is not a value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ModelError
from pipelines.models.space import Choice, Knob, Real, Value, Whole, complete, defaults

KNOBS: dict[str, Knob] = {
    "rate": Real(1e-3, 10.0, default=0.1, is_log=True),
    "share": Real(-1.0, 1.0, default=0.5),
    "leaves": Whole(2, 64, default=31, is_log=True),
    "depth": Whole(1, 1, default=1),
    "loss": Choice(("log", "exp", True), default="log"),
}
SHARE = st.floats(0, 1, allow_nan=False)


@given(SHARE, st.sampled_from(sorted(KNOBS)))
def test_every_share_of_the_range_is_a_value(share: float, name: str) -> None:
    knob = KNOBS[name]
    value = knob.at(share)
    distribution = knob.distribution()
    if isinstance(knob, Choice):
        assert value in knob.values
    else:
        assert knob.low * (1 - 1e-12) - 1e-12 <= float(value) <= knob.high * (1 + 1e-12) + 1e-12
        assert isinstance(value, int if isinstance(knob, Whole) else float)
    assert distribution.to_external_repr(distribution.to_internal_repr(value)) == value


@pytest.mark.parametrize("name", ["rate", "share", "leaves"])
def test_the_ends_and_the_order_of_the_range(name: str) -> None:
    knob = KNOBS[name]
    assert not isinstance(knob, Choice)
    assert knob.at(0.0) == knob.low
    assert knob.at(1.0) == pytest.approx(knob.high)
    values = [float(knob.at(share / 10)) for share in range(11)]
    assert values == sorted(values)


def test_half_of_a_log_range_is_its_geometric_mean() -> None:
    assert KNOBS["rate"].at(0.5) == pytest.approx(math.sqrt(1e-3 * 10.0))


def test_grids_have_no_value_twice() -> None:
    assert KNOBS["depth"].grid() == [1]
    assert KNOBS["leaves"].grid() == [2, 11, 64]
    assert KNOBS["loss"].grid() == ["log", "exp", True]


def test_complete_puts_what_is_given_over_the_defaults() -> None:
    assert complete("f", KNOBS, {"leaves": 7}) == {**defaults(KNOBS), "leaves": 7}


def test_a_fixed_value_may_lie_beyond_the_bounds_of_the_search() -> None:
    assert complete("f", KNOBS, {"leaves": 1000})["leaves"] == 1000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", "0.1"),
        ("rate", True),
        ("rate", math.nan),
        ("rate", math.inf),
        ("leaves", 7.5),
        ("leaves", math.nan),
        ("leaves", math.inf),
        ("leaves", "many"),
        ("loss", "hinge"),
    ],
)
def test_a_value_of_another_kind_is_refused(name: str, value: Value) -> None:
    with pytest.raises(ModelError, match="is not a value of") as caught:
        complete("f", KNOBS, {name: value})
    assert caught.value.where == f"params.yaml: train.fixed.{name}"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match="f has no hyperparameter 'rats'; it has rate, share"):
        complete("f", KNOBS, {"rats": 1})
    with pytest.raises(ModelError, match="it has none"):
        complete("f", {}, {"rats": 1})
