"""Two models as one: who is asked, what the answer holds, and what makes no chain."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines import golden
from pipelines.errors import CellError, ModelError
from pipelines.inference.encode import encode_rows
from pipelines.packaging import Link, build, build_chain, model_folder
from pipelines.packaging.server import running
from pipelines.paths import HomePaths
from pipelines.schema import Schema
from pipelines.serving.chain import ServedChain, joined
from pipelines.serving.golden import read as golden_of
from pipelines.serving.opening import open_served
from pipelines.serving.policy import ServingPolicy
from pipelines.serving.served import ServedModel
from tests.packaged import LABELS
from tests.small import SCHEMA, table, tasked, trained

LINK = Link("trip", "leaves", "minutes", 0.5)
SMALL = {"bootstrap_rounds": 50, "importance_rows": 100, "slices": []}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[HomePaths, Path, tuple[str, str]]:
    """A home with a bento of each part; the model folder of the first."""
    root = tmp_path_factory.mktemp("chain")
    home = HomePaths(root / "home")
    for name in ("first", "then"):
        (root / name).mkdir()
    first, _ = trained(root / "first", evaluate=SMALL)
    frame, schema = tasked(table(), "regression")
    params = {"max_iter": 20}
    then, _ = trained(
        root / "then",
        frame,
        schema,
        params=params,
        train={"family": "hist_gradient_boosting"},
        evaluate=SMALL,
    )
    tags = (
        build(first.artifact, LABELS, "v3", home),
        build(then.artifact, LABELS, "v1", home),
    )
    return home, first.artifact, tags


@pytest.fixture(scope="module")
def chain(parts: tuple[HomePaths, Path, tuple[str, str]]) -> tuple[str, ServedChain]:
    home, _, tags = parts
    tag = build_chain(LINK, tags, home, ServingPolicy())
    opened = open_served(model_folder(tag, home))
    assert isinstance(opened, ServedChain)
    return tag, opened


def _rows(artifact: Path, count: int) -> list[dict[str, object]]:
    return golden.rows(golden.read(artifact, SCHEMA).slice(0, count), SCHEMA)


def test_the_second_is_asked_where_the_first_says_yes(
    chain: tuple[str, ServedChain], parts: tuple[HomePaths, Path, tuple[str, str]]
) -> None:
    home, artifact, tags = parts
    first, then = (ServedModel.open(model_folder(tag, home)) for tag in tags)
    rows = _rows(artifact, 300)
    tensors = encode_rows(chain[1].schema, rows)
    outputs = chain[1].answer(tensors)
    likely = first.answer(encode_rows(first.schema, rows))["probability"]
    value = then.answer(encode_rows(then.schema, rows))["value"]
    asked = likely >= 0.5
    assert 20 < asked.sum() < 280
    assert list(outputs) == ["leaves.probability", "leaves.label", "minutes.value"]
    assert np.array_equal(outputs["leaves.probability"], likely)
    assert np.array_equal(outputs["minutes.value"][asked], value[asked])
    assert np.isnan(outputs["minutes.value"][~asked]).all()


def test_nobody_is_asked_when_nothing_is_likely(
    chain: tuple[str, ServedChain], parts: tuple[HomePaths, Path, tuple[str, str]]
) -> None:
    sure = replace(chain[1], link=Link("trip", "leaves", "minutes", 0.999999))
    outputs = sure.answer(encode_rows(sure.schema, _rows(parts[1], 5)))
    assert np.isnan(outputs["minutes.value"]).all()
    assert len(outputs["leaves.label"]) == 5


def test_one_version_of_both(chain: tuple[str, ServedChain]) -> None:
    tag, opened = chain
    assert opened.version == "v3.v1"
    assert tag.startswith("trip:v3.v1-")
    assert [output.is_partial for output in opened.outputs] == [False, False, True]


def test_building_the_same_again_is_the_same_bento(
    chain: tuple[str, ServedChain], parts: tuple[HomePaths, Path, tuple[str, str]]
) -> None:
    home, _, tags = parts
    assert build_chain(LINK, tags, home, ServingPolicy()) == chain[0]
    other = build_chain(Link("trip", "leaves", "minutes", 0.7), tags, home, ServingPolicy())
    assert other != chain[0]


def test_its_golden_rows_hold_what_it_answers(
    chain: tuple[str, ServedChain], parts: tuple[HomePaths, Path, tuple[str, str]]
) -> None:
    carried = golden_of(model_folder(chain[0], parts[0]))
    assert carried.outputs.keys() == {output.name for output in chain[1].outputs}
    assert None in carried.outputs["minutes.value"]  # NaN, as JSON has it


def test_each_part_lets_in_what_it_would_by_itself(
    parts: tuple[HomePaths, Path, tuple[str, str]], tmp_path: Path
) -> None:
    home, artifact, tags = parts
    strict = ServingPolicy(required=(SCHEMA.numbers[0],))
    first = build(artifact, LABELS, "v4", home, strict)
    tag = build_chain(LINK, (first, tags[1]), home, ServingPolicy())
    opened = ServedChain.open(model_folder(tag, home))
    [row] = _rows(artifact, 1)
    tensors = encode_rows(opened.schema, [{**row, SCHEMA.numbers[0]: None}])
    with pytest.raises(CellError, match="the value is missing"):
        opened.admit(tensors)


def test_a_running_server_answers_for_both(
    chain: tuple[str, ServedChain],
    parts: tuple[HomePaths, Path, tuple[str, str]],
    tmp_path: Path,
) -> None:
    rows = _rows(parts[1], 30)
    expected = chain[1].answer(encode_rows(chain[1].schema, rows))
    with running(chain[0], parts[0], 60, tmp_path / "log") as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
        with closing(connection):
            connection.request("POST", "/predict", json.dumps({"rows": rows}))
            answer = json.loads(connection.getresponse().read())
    assert (answer["model"], answer["version"]) == ("trip", "v3.v1")
    assert answer["leaves.probability"] == expected["leaves.probability"].tolist()
    told = [np.nan if value is None else value for value in answer["minutes.value"]]
    assert np.array_equal(told, expected["minutes.value"], equal_nan=True)


TWO = Schema(("a", "b"), ("c",), "y")


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        (replace(TWO, task="regression"), TWO, "its first model answers regression"),
        (TWO, Schema(("a", "c"), (), "z"), "a number to one model is a category to the other: c"),
        (TWO, Schema(("p",), (), "z", image=(1, 1, 1)), "no columns to share"),
    ],
)
def test_what_makes_no_chain(first: Schema, then: Schema, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        joined(first, then, "chain.json")


def test_it_asks_for_the_columns_of_both() -> None:
    both = joined(TWO, Schema(("b", "d"), ("e",), "z", task="regression"), "chain.json")
    assert (both.numbers, both.categories) == (("a", "b", "d"), ("c", "e"))


def test_a_folder_that_holds_no_chain_says_so(tmp_path: Path) -> None:
    (tmp_path / "chain.json").write_text('{"name": "x"}', encoding="utf-8")
    with pytest.raises(ModelError, match="not a chain"):
        open_served(tmp_path)


def test_the_policy_of_a_chain_keeps_rows_out(
    parts: tuple[HomePaths, Path, tuple[str, str]],
) -> None:
    home, artifact, tags = parts
    strict = ServingPolicy(required=("spend",), unseen_categories="refuse")
    opened = open_served(model_folder(build_chain(LINK, tags, home, strict), home))
    rows = _rows(artifact, 2)
    known = encode_rows(opened.schema, rows)
    opened.admit(known)
    for change, problem in (
        ({"spend": None}, "the value is missing"),
        ({"city": "never seen"}, "was never seen in training"),
    ):
        with pytest.raises(CellError, match=problem) as caught:
            opened.admit(encode_rows(opened.schema, [rows[0], {**rows[1], **change}]))
        assert (caught.value.row, caught.value.column) == (1, *change)


def test_a_policy_of_columns_that_neither_has_is_refused(
    parts: tuple[HomePaths, Path, tuple[str, str]],
) -> None:
    home, _, tags = parts
    with pytest.raises(ModelError, match="columns that the model does not: nowhere"):
        build_chain(LINK, tags, home, ServingPolicy(required=("nowhere",)))
