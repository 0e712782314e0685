"""Every way in which a model can differ from its golden rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.schema import Schema
from pipelines.serving import golden
from pipelines.serving.golden import GOLDEN_JSON, TOLERANCE, Golden
from pipelines.serving.served import ServedModel
from tests.serving import graphs

Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("schema", [graphs.TABLE, graphs.WORDS, graphs.MINUTES, graphs.GREY])
def test_a_model_is_true_to_its_own_answers(schema: Schema, tmp_path: Path) -> None:
    served = graphs.model(tmp_path / "model", schema)

    golden.require(served, golden.read(tmp_path / "model"), "golden.json")


@pytest.mark.parametrize(
    ("schema", "change", "words"),
    [
        (graphs.TABLE, lambda known: by(known, "probability", 2 * TOLERANCE + 1e-3), "differs by"),
        (graphs.TABLE, lambda known: put(known, "probability", [None] * 3), "another probability"),
        (graphs.TABLE, lambda known: put(known, "label", [0, 1, 1]), "get another label"),
        (graphs.TABLE, lambda known: put(known, "label", [1, 1]), "get another label"),
        (graphs.TABLE, lambda known: put(known, "probability", [0.5]), r"shape \(3,\), not \(1,\)"),
        (graphs.TABLE, lambda known: put(known, "more", [1, 2, 3]), "expect the outputs"),
        (graphs.TABLE, lambda known: known["outputs"].pop("label"), "expect the outputs"),
        (graphs.WORDS, lambda known: put(known, "label", ["low"] * 3), "get another label"),
        (graphs.WORDS, lambda known: put(known, "probabilities", [1, 0, 0]), r"shape \(3, 3\)"),
        (graphs.MINUTES, lambda known: by(known, "value", 0.01), "differs by up to 0.01"),
        (graphs.TABLE, lambda known: known["rows"][1].pop("a"), "cannot be asked.*column 'a'"),
        (graphs.TABLE, lambda known: known["rows"][1].update(a="1"), "cannot be asked.*row 1"),
        (graphs.TABLE, lambda known: known["rows"][2].update(c=1), "cannot be asked.*row 2"),
    ],
    ids=range(13),
)
def test_any_difference_is_named(
    schema: Schema, change: Change, words: str, tmp_path: Path
) -> None:
    folder = graphs.make(tmp_path / "model", schema)
    known = json.loads((folder / GOLDEN_JSON).read_bytes())
    change(known)
    (folder / GOLDEN_JSON).write_text(json.dumps(known))

    with pytest.raises(ModelError, match=words) as caught:
        golden.require(ServedModel.open(folder), golden.read(folder), "here")
    assert caught.value.where == "here"
    assert "do not serve this bento" in caught.value.next_step


@pytest.mark.parametrize("spoilt", [[["a"], ["b"], ["c"]], ["x", "y", "z"], [[1], [2, 3], [4]]])
def test_answers_that_are_no_numbers_differ(spoilt: list[Any], tmp_path: Path) -> None:
    served = graphs.model(tmp_path / "model")
    known = golden.read(tmp_path / "model")
    wrong = Golden(known.rows, {**known.outputs, "probability": spoilt})

    with pytest.raises(ModelError, match="the golden rows"):
        golden.require(served, wrong, "here")


def test_another_processor_may_add_up_otherwise(tmp_path: Path) -> None:
    served = graphs.model(tmp_path / "model")
    known = golden.read(tmp_path / "model")
    near = (np.array(known.outputs["probability"]) + TOLERANCE / 2).tolist()

    golden.require(served, Golden(known.rows, {**known.outputs, "probability": near}), "here")


def test_a_model_that_answers_no_number_is_not_true(tmp_path: Path) -> None:
    folder = graphs.make(tmp_path / "model", graphs.MINUTES, of_sum="Log")
    known = golden.read(folder)
    row = {**known.rows[0], "a": -100.0}

    with pytest.raises(ModelError, match="get another value"):
        golden.require(
            ServedModel.open(folder), Golden([row], {"value": known.outputs["value"][:1]}), "here"
        )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"rows": [1], "outputs": {}}',
        b'{"rows": []}',
        b'{"rows": [], "outputs": []}',
        b'{"rows": [], "outputs": {}}',
    ],
)
def test_a_file_that_holds_no_golden_rows_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / GOLDEN_JSON).write_bytes(content)

    with pytest.raises(ModelError, match=r"golden\.json: (no golden rows|holds no rows)"):
        golden.read(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no golden rows"):
        golden.read(tmp_path)


def put(known: dict[str, Any], name: str, values: list[Any]) -> None:
    known["outputs"][name] = values


def by(known: dict[str, Any], name: str, amount: float) -> None:
    values = known["outputs"][name]
    put(known, name, [values[0] + amount, *values[1:]])
