"""Networks for images refuse everything else, in words."""

from __future__ import annotations

import pytest

from pipelines import registry
from pipelines.datasets import digits
from pipelines.errors import ModelError
from pipelines.models.neural.images import shape_of
from tests.models.neural.small import training
from tests.small import SCHEMA


def test_an_image_has_a_size() -> None:
    assert shape_of(digits.SCHEMA, "alexnet") == (8, 8, 1)


@pytest.mark.parametrize("name", ["keras_cnn", "alexnet"])
def test_a_table_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} is trained on images") as caught:
        shape_of(SCHEMA, name)
    assert caught.value.where == "params.yaml: train.family"
    known = training()
    object.__setattr__(known, "params", {})
    with pytest.raises(ModelError, match=f"{name} is trained on images"):
        next(registry.load(registry.MODEL_FAMILIES, name)().fit(known))
