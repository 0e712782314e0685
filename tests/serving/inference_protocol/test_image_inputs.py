"""Images as inputs: the shapes that they come in, and what is no image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.errors import RequestError
from pipelines.schema import NUMBERS, Schema
from pipelines.serving.inference_protocol.datatypes import BYTES
from pipelines.serving.inference_protocol.inputs import Given, tensors_of
from tests.serving.graphs import COLOUR, GREY
from tests.serving.inference_protocol.test_inputs import MOST, refusal

IMAGE = list(range(12))


@pytest.mark.parametrize("shape", [[2, 2, 3, 1], [2, 2, 3], [2, 6]])
@pytest.mark.parametrize("form", ["flat", "nested", "raw"])
def test_a_grey_image_comes_in_three_shapes(shape: list[int], form: str) -> None:
    values = np.array(IMAGE, dtype=np.float32)
    content: Any = values.tobytes()
    if form != "raw":
        content = (values if form == "flat" else values.reshape(shape)).tolist()
    tensors = tensors_of(GREY, [Given("image", "FP32", shape, content)], MOST)

    assert tensors[NUMBERS].dtype == np.float64
    assert tensors[NUMBERS].tolist() == [IMAGE[:6], IMAGE[6:]]


@pytest.mark.parametrize("shape", [[2, 1, 2, 3], [2, 6]])
def test_a_coloured_image_comes_with_its_channels_or_flat(shape: list[int]) -> None:
    raw = np.array(IMAGE, dtype=np.uint8).tobytes()
    tensors = tensors_of(COLOUR, [Given("image", "UINT8", shape, raw)], MOST)

    assert tensors[NUMBERS].tolist() == [IMAGE[:6], IMAGE[6:]]


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        (GREY, [2]),
        (GREY, [6]),
        (GREY, [1, 12]),
        (GREY, [2, 3, 2, 1]),
        (GREY, [2, 3, 2]),
        (GREY, [2, 1, 2, 3]),
        (GREY, [2, 2, 3, 1, 1]),
        (COLOUR, [2, 1, 2]),
        (COLOUR, [2, 3, 1, 2]),
        (COLOUR, [2, 2, 3]),
    ],
)
def test_an_image_of_another_shape_is_refused(schema: Schema, shape: list[int]) -> None:
    error = refusal(schema, [Given("image", "FP32", shape, IMAGE)])

    assert error.column == "image"
    assert "its shape is" in error.problem
    wanted = ", ".join(map(str, schema.image or ()))
    assert error.next_step == f"send [{shape[0]}, {wanted}]"


def test_a_wrong_pixel_is_named_by_its_row_and_place() -> None:
    wrong: list[Any] = [*IMAGE[:8], "8", *IMAGE[9:]]
    error = refusal(GREY, [Given("image", "FP32", [2, 6], wrong)])
    assert (error.row, error.column) == (1, "p2")

    infinite = np.array([*IMAGE[:8], np.inf, *IMAGE[9:]], dtype=np.float32).tobytes()
    error = refusal(GREY, [Given("image", "FP32", [2, 6], infinite)])
    assert (error.row, error.column) == (1, "p2")


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [Given("pixels", "FP32", [2, 6], IMAGE)],
        [Given("p0", "FP32", [2, 1], [1, 2])],
        [Given("image", BYTES, [2, 6], ["x"] * 12)],
        [Given("image", "FP32", [2, 6], IMAGE[:-1])],
        [Given("image", "FP32", [2, 6], IMAGE), Given("more", "FP32", [2, 6], IMAGE)],
        [Given("image", "FP32", [2, 6], IMAGE)] * 1 + [Given("image", "FP32", [2, 6], IMAGE)],
    ],
    ids=range(7),
)
def test_what_is_no_image_is_refused(inputs: list[Given]) -> None:
    assert refusal(GREY, inputs).column in ("image", "more")


def test_too_many_images_are_too_large() -> None:
    with pytest.raises(RequestError, match=f"{MOST + 1} rows") as caught:
        tensors_of(GREY, [Given("image", "FP32", [MOST + 1, 6], [])], MOST)

    assert caught.value.status == 413
