"""What is logged of a request: what the policy allows, of every kind of model, and no more."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.errors import LogError
from pipelines.predictions.digests import digests
from pipelines.predictions.layout import Layout, shape_of
from pipelines.predictions.policy import LogPolicy
from pipelines.schema import Schema
from tests.predictions.factories import (
    BINARY,
    IMAGE,
    KEY,
    MULTICLASS,
    NOON,
    REGRESSION,
    answered,
    python,
)

META = ["request_id", "row", "time", "version", "door", "is_shadow", "latency_us"]


def layout(schema: Schema, key: bytes | None = None, **policy: object) -> Layout:
    return Layout.of(schema, LogPolicy(**policy), key)  # type: ignore[arg-type]


def test_each_row_of_each_request_is_a_row() -> None:
    group = [answered(1, rows=2), answered(2), answered(3, rows=3, is_shadow=True)]
    table = layout(BINARY).batch(group).to_pydict()

    assert table["request_id"] == ["request-1"] * 2 + ["request-2"] + ["request-3"] * 3
    assert table["row"] == [0, 1, 0, 0, 1, 2]
    assert table["is_shadow"] == [False] * 3 + [True] * 3
    assert table["latency_us"] == [181, 181, 182, 183, 183, 183]
    assert table["feature_hour"] == [1, 3, 2, 3, 5, 7]
    assert table["feature_time"] == [2, 4, 3, 4, 6, 8]
    assert table["feature_origin"] == ["origin-1"] * 2 + ["origin-2"] + ["origin-3"] * 3
    assert table["output_label"] == [0, 1, 0, 0, 1, 0]
    assert table["output_probability"] == [0.625] * 6
    assert [int(time.timestamp() * 1000) for time in table["time"]] == [
        NOON // 1_000_000 + number for number in (1, 1, 2, 3, 3, 3)
    ]


def test_one_row_at_a_time_is_the_same_as_many() -> None:
    group = [answered(number) for number in range(4)]
    singles = [layout(BINARY).batch([each]) for each in group]
    assert pa.Table.from_batches(singles).combine_chunks().to_batches() == [
        layout(BINARY).batch(group)
    ]


def test_what_is_missing_is_null() -> None:
    record = answered(rows=2)
    record.tensors["numbers"][1, 0] = np.nan
    record.tensors["categories"][0, 1] = ""
    table = layout(BINARY).batch([record]).to_pydict()
    assert table["feature_hour"] == [0, None]
    assert table["feature_row"] == [None, "row-0"]


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        (BINARY, {"output_label": pa.int64(), "output_probability": pa.float64()}),
        (
            MULTICLASS,
            {"output_label": pa.string(), "output_probabilities": pa.list_(pa.float64(), 2)},
        ),
        (REGRESSION, {"output_value": pa.float64()}),
    ],
    ids=["binary", "multiclass", "regression"],
)
def test_the_outputs_of_every_task(schema: Schema, wanted: dict[str, pa.DataType]) -> None:
    record = answered(rows=3, schema=schema)
    batch = layout(schema).batch([record])
    found = {name: batch.schema.field(name).type for name in batch.schema.names}
    assert {name: kind for name, kind in found.items() if name.startswith("output_")} == wanted
    for name, values in record.outputs.items():
        assert batch.column(f"output_{name}").to_pylist() == values.tolist()


def test_outputs_of_other_widths_are_widened() -> None:
    record = answered(
        outputs={
            "label": np.array(["dog"], dtype=object),
            "probability": np.array([0.5], dtype=np.float32),
            "votes": np.array([3], dtype=np.uint8),
            "sure": np.array([True]),
        }
    )
    batch = layout(BINARY).batch([record])
    assert batch.column("output_probability").type == pa.float64()
    assert batch.column("output_votes").to_pylist() == [3]
    assert batch.column("output_sure").to_pylist() == [True]
    assert batch.column("output_label").to_pylist() == ["dog"]


def test_an_image_is_one_column() -> None:
    record = answered(2, rows=2, schema=IMAGE)
    batch = layout(IMAGE).batch([record])
    assert batch.schema.names == [*META, "image", "output_label", "output_probabilities"]
    assert batch.schema.field("image").type == pa.list_(pa.float32(), 6)
    assert batch.column("image").to_pylist() == record.tensors["numbers"].tolist()


@pytest.mark.parametrize(
    ("features", "logged"),
    [
        ("all", ["feature_hour", "feature_time", "feature_origin", "feature_row"]),
        ("none", []),
        (("row", "hour"), ["feature_hour", "feature_row"]),
    ],
    ids=["all", "none", "some"],
)
def test_only_what_is_allowed_is_logged(features: object, logged: list[str]) -> None:
    batch = layout(BINARY, features=features).batch([answered()])
    assert batch.schema.names == [*META, *logged, "output_label", "output_probability"]


def test_some_pixels_of_an_image_are_columns() -> None:
    names = layout(IMAGE, features=("p1", "p4")).batch([answered(schema=IMAGE)]).schema.names
    assert [name for name in names if "p" in name and name.startswith("feature_")] == [
        "feature_p1",
        "feature_p4",
    ]
    assert (
        "image" not in layout(IMAGE, features="none").batch([answered(schema=IMAGE)]).schema.names
    )


def test_identifiers_are_logged_as_digests_only() -> None:
    record = answered(7, rows=2)
    record.tensors["numbers"][1, 0] = np.nan
    record.tensors["categories"][1, 0] = ""
    batch = layout(BINARY, key=KEY, identifiers=("hour", "origin")).batch([record])
    assert batch.column("feature_hour").to_pylist() == [*digests(KEY, "hour", [7.0]), None]
    assert batch.column("feature_origin").to_pylist() == [
        *digests(KEY, "origin", ["origin-7"]),
        None,
    ]
    assert b"origin-7" not in batch.serialize().to_pybytes()


def test_an_identifier_that_is_not_allowed_is_not_logged_either() -> None:
    chosen = layout(BINARY, key=KEY, features=("hour",), identifiers=("origin",))
    assert "feature_origin" not in chosen.batch([answered()]).schema.names


@pytest.mark.parametrize(
    ("policy", "key", "named"),
    [
        ({"features": ("hour", "hou", "x")}, None, ["hou, x", "serve.log.features", "origin"]),
        ({"identifiers": ("tail",)}, KEY, ["tail", "serve.log.identifiers"]),
        ({"identifiers": ("origin",)}, None, ["there is none", "serve.log.identifiers"]),
        ({"identifiers": ("origin",)}, b"short", ["one of 5", "16 bytes"]),
    ],
    ids=["features", "identifiers", "no key", "short key"],
)
def test_a_policy_that_does_not_fit_is_refused(
    policy: dict[str, object], key: bytes | None, named: list[str]
) -> None:
    with pytest.raises(LogError) as caught:
        layout(BINARY, key=key, **policy)
    for text in named:
        assert text in str(caught.value)


def test_a_pixel_is_no_identifier() -> None:
    with pytest.raises(LogError, match="pixel"):
        layout(IMAGE, key=KEY, identifiers=("p0",))


def test_the_shape_tells_outputs_of_other_types_apart() -> None:
    plain = answered()
    text = plain._replace(outputs={**plain.outputs, "label": np.array(["a"])})
    assert shape_of(plain) == shape_of(answered(rows=9))
    assert shape_of(plain) != shape_of(text)


def test_it_does_not_load_pandas() -> None:
    """Arrow looks for pandas when it is given Python objects, and would load it into a server."""
    code = (
        "import sys; from tests.predictions.factories import *; "
        "from pipelines.predictions.layout import Layout; "
        "from pipelines.predictions.policy import LogPolicy; "
        "[Layout.of(s, LogPolicy(), None).batch([answered(schema=s, rows=2)]) "
        "for s in (BINARY, MULTICLASS, REGRESSION, IMAGE)]; print('pandas' in sys.modules)"
    )
    assert python(code).strip() == "False"
