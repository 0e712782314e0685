"""The document of a server is valid, and its examples are accepted by the server itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from pipelines.schema import Schema
from pipelines.serving import golden, openapi
from pipelines.serving.rows_json import read_rows
from pipelines.serving.served import ServedModel
from tests.serving import graphs
from tests.serving.doors import answering, ask, rest_door

KINDS = [graphs.TABLE, graphs.WORDS, graphs.MINUTES, graphs.GREY, graphs.COLOUR]
IDS = ["two classes", "three classes", "value", "grey", "colour"]


def document(folder: Path, schema: Schema, **policy: Any) -> Any:
    served = graphs.model(folder, schema, **policy)
    return json.loads(openapi.document(served, golden.read(folder)))


def post(told: Any, path: str) -> Any:
    return told["paths"][path]["post"]


def body(told: Any, path: str) -> Any:
    return post(told, path)["requestBody"]["content"]["application/json"]


@pytest.mark.parametrize("schema", KINDS, ids=IDS)
def test_it_is_valid_openapi(schema: Schema, tmp_path: Path) -> None:
    told = document(tmp_path / "model", schema)

    assert told["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(told).validate()


@pytest.mark.parametrize("schema", KINDS, ids=IDS)
def test_the_example_of_infer_is_accepted_by_the_server(schema: Schema, tmp_path: Path) -> None:
    one = answering(tmp_path / "model", schema)
    told = json.loads(openapi.document(one.model, golden.read(tmp_path / "model")))
    path = f"/v2/models/{one.model.name}/infer"
    sent = json.dumps(body(told, path)["example"]).encode()
    answer = ask(rest_door(one), path, "POST", sent)

    assert answer.status == 200
    schema_of_answer = post(told, path)["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(answer.json, schema_of_answer["schema"])


@pytest.mark.parametrize("schema", KINDS, ids=IDS)
def test_examples_are_as_their_own_schemas_say(schema: Schema, tmp_path: Path) -> None:
    told = document(tmp_path / "model", schema)
    seen = 0
    for operations in told["paths"].values():
        for operation in operations.values():
            contents = list(operation.get("requestBody", {}).get("content", {}).values())
            for response in operation["responses"].values():
                contents += response["content"].values()
            for content in contents:
                if "example" in content:
                    jsonschema.validate(content["example"], content["schema"])
                    seen += 1
    assert seen >= 4


def test_the_example_of_predict_is_a_golden_row_with_its_answer(tmp_path: Path) -> None:
    told = document(tmp_path / "model", graphs.TABLE, max_rows=9)
    known = golden.read(tmp_path / "model")
    example = json.dumps(body(told, "/predict")["example"]).encode()
    answer = post(told, "/predict")["responses"]["200"]["content"]["application/json"]["example"]

    assert read_rows(example, 9) == known.rows[:1]
    assert answer["probabilities"] == known.outputs["probability"][:1]
    assert body(told, "/predict")["schema"]["properties"]["rows"]["maxItems"] == 9


@pytest.mark.parametrize(
    "change",
    [{"a": "1"}, {"city": 3}, {"speed": 1}],
    ids=["text for a number", "number for a text", "unknown column"],
)
def test_the_schema_refuses_what_the_server_does(change: Any, tmp_path: Path) -> None:
    schema = body(document(tmp_path / "model", graphs.TABLE), "/predict")["schema"]
    jsonschema.validate({"rows": [graphs.ROW]}, schema)

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"rows": [{**graphs.ROW, **change}]}, schema)


def test_every_refusal_is_described_as_a_problem(tmp_path: Path) -> None:
    told = document(tmp_path / "model", graphs.TABLE)
    served = ServedModel.open(tmp_path / "model")
    problem = told["components"]["schemas"]["Problem"]
    for path in ("/predict", f"/v2/models/{served.name}/infer"):
        responses = post(told, path)["responses"]
        for status in ("400", "413", "415", "422", "503"):
            content = responses[status]["content"]
            reference = "#/components/schemas/Problem"
            assert content["application/problem+json"]["schema"] == {"$ref": reference}
    refusal = ask(rest_door(answering(tmp_path / "two")), "/v2/nowhere")
    jsonschema.validate(refusal.problem, problem)
