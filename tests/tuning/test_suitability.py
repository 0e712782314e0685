"""A sampler that cannot search the space is refused before anything is trained."""

from __future__ import annotations

import pytest

from pipelines import registry
from pipelines.errors import SettingsError
from pipelines.models.space import Choice, Real, Whole
from pipelines.tuning.suitability import require

X = Real(0.0, 1.0, default=0.5)
N = Whole(1, 9, default=3)
KIND = Choice(("a", "b"), default="a")


@pytest.mark.parametrize(
    ("space", "seen"),
    [
        ({"x": X}, r"there are 1 \(x\)"),
        ({"x": X, "kind": KIND}, r"there are 1 \(x\) among x, kind"),
        ({"kind": KIND, "other": KIND}, r"there are 0 \(none\)"),
    ],
)
def test_cmaes_needs_two_numbers(space: dict[str, Real | Whole | Choice], seen: str) -> None:
    with pytest.raises(SettingsError, match=seen) as caught:
        require("cmaes", space)
    assert caught.value.where == "params.yaml: tune.sampler"
    for other in registry.SAMPLERS.keys() - {"cmaes"}:
        assert other in caught.value.next_step
        require(other, space)


def test_two_numbers_are_enough_and_nothing_needs_nothing() -> None:
    require("cmaes", {"x": X, "n": N, "kind": KIND})
    require("cmaes", {})
