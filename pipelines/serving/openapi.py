"""The OpenAPI document of a server: its paths, with schemas and examples of its own model."""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.inference.encode import encode_rows
from pipelines.predictions.feedback import LONGEST_ID
from pipelines.serving.admission import required_of
from pipelines.serving.golden import Golden
from pipelines.serving.inference_protocol.inputs import IMAGE
from pipelines.serving.inference_protocol.metadata import inputs_of
from pipelines.serving.problems import PROBLEM_JSON
from pipelines.serving.rows_json import schema_of_rows, write_answer
from pipelines.serving.served import Servable

_JSON = "application/json"
_PARAMETERS = {"type": ["object", "null"]}
_PROBLEMS = {
    "400": "The body is not JSON.",
    "401": "Where the server checks tokens: there is none, or not a good one.",
    "403": "Where the server checks tokens: this one is not for this.",
    "408": "The body did not come in time.",
    "413": "More rows or bytes than are taken at once.",
    "415": "Another content type, or a compressed body.",
    "422": "A column, a type or a value cannot be used; `row` and `column` say where.",
    "500": "The answer is no number, or a fault of the server; its log has the request id.",
    "503": "Too much is asked at once, or the answer cannot be recorded; ask again.",
    "504": "The answer took too long.",
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "row": {"type": ["integer", "null"]},
        "column": {"type": ["string", "null"]},
        "next_step": {"type": "string"},
        "error": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "row", "column", "next_step", "error"],
}


def document(model: Servable, golden: Golden) -> bytes:
    """The document, as JSON.

    Args:
        model: what is served.
        golden: its rows become examples.
    """
    name = f"/v2/models/{model.name}"
    content = {
        "openapi": "3.1.0",
        "info": {
            "title": model.name,
            "version": model.version,
            "description": "A model served by Evergreen. The paths under /v2 are the Open "
            "Inference Protocol; gRPC speaks it as well.",
        },
        "paths": {
            "/predict": {"post": _predict(model, golden)},
            "/feedback": {"post": _feedback()},
            **_of_model(name, model, golden, ""),
            **_of_model(f"{name}/versions/{model.version}", model, golden, "OfVersion"),
            "/v2": {"get": _told("What the server is.")},
            "/v2/health/live": {"get": _told("Whether the server lives.")},
            "/v2/health/ready": {"get": _told("Whether the server takes requests.")},
            "/metrics": {"get": _text("Metrics for Prometheus.")},
            "/livez": {"get": _text("Whether the server lives.")},
            "/readyz": {"get": _text("Whether the server takes requests.")},
        },
        "components": {"schemas": {"Problem": _PROBLEM}},
    }
    return msgspec.json.encode(content)


def _of_model(path: str, model: Servable, golden: Golden, suffix: str) -> dict[str, Any]:
    return {
        f"{path}/infer": {"post": {**_infer(model, golden), "operationId": f"infer{suffix}"}},
        path: {"get": _told("What the model takes and gives.")},
        f"{path}/ready": {"get": _told("Whether the model answers.")},
    }


def _predict(model: Servable, golden: Golden) -> dict[str, Any]:
    rows = golden.rows[:1]
    outputs = model.answer(encode_rows(model.schema, rows))
    body = {
        "type": "object",
        "properties": {
            "rows": {
                "type": "array",
                "minItems": 1,
                "maxItems": model.policy.max_rows,
                "items": schema_of_rows(model.schema, required_of(model.schema, model.policy)),
            }
        },
        "required": ["rows"],
        "additionalProperties": False,
    }
    answer = msgspec.json.decode(write_answer(model, "4bf92f3577b34da6", outputs))
    return {
        "summary": "Ask rows by the names of their columns.",
        "operationId": "predict",
        "requestBody": _body(body, {"rows": rows}),
        "responses": _responses(_answer_schema(), answer),
    }


def _answer_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "model": {"type": "string"},
            "version": {"type": "string"},
            "request_id": {"type": "string"},
        },
        "required": ["model", "version", "request_id"],
    }


def _feedback() -> dict[str, Any]:
    one = {
        "type": "object",
        "properties": {
            "request_id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
            "row": {"type": "integer", "minimum": 0, "default": 0},
            "label": {"type": ["number", "string", "boolean"]},
        },
        "required": ["request_id", "label"],
        "additionalProperties": False,
    }
    body = {
        "type": "object",
        "properties": {"labels": {"type": "array", "items": one}},
        "required": ["labels"],
        "additionalProperties": False,
    }
    example = {"labels": [{"request_id": "4bf92f3577b34da6", "row": 0, "label": 1}]}
    accepted = {"type": "object", "properties": {"accepted": {"type": "integer"}}}
    return {
        "summary": "Tell what really happened; again and late is fine.",
        "operationId": "feedback",
        "requestBody": _body(body, example),
        "responses": _responses(accepted, {"accepted": 1}),
    }


def _infer(model: Servable, golden: Golden) -> dict[str, Any]:
    row = golden.rows[0]
    inputs = []
    for name, datatype, shape in inputs_of(model.schema):
        data = [row[name]] if name != IMAGE else [row[column] for column in model.schema.numbers]
        if datatype == "BYTES":
            data = [value or "" for value in data]
        one = {"name": name, "datatype": datatype, "shape": [1, *shape[1:]], "data": data}
        inputs.append(one)
    tensor = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "data": {"type": ["array", "null"]},
            "parameters": _PARAMETERS,
        },
        "required": ["name", "datatype", "shape"],
    }
    wanted = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "parameters": _PARAMETERS},
        "required": ["name"],
    }
    body = {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "null"]},
            "inputs": {"type": "array", "items": tensor},
            "outputs": {"type": ["array", "null"], "items": wanted},
            "parameters": _PARAMETERS,
        },
        "required": ["inputs"],
    }
    return {
        "summary": "Infer, by the Open Inference Protocol.",
        "description": "The protocol's binary form is taken as well: application/octet-stream, "
        "with the length of its JSON in the header Inference-Header-Content-Length.",
        "requestBody": _body(body, {"inputs": inputs}),
        "responses": _responses({"type": "object"}, None),
    }


def _told(summary: str) -> dict[str, Any]:
    answer = {"description": "Told.", "content": {_JSON: {"schema": {"type": "object"}}}}
    return {"summary": summary, "responses": {"200": answer}}


def _text(summary: str) -> dict[str, Any]:
    answer = {"description": "Told.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {"summary": summary, "responses": {"200": answer}}


def _body(schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {"required": True, "content": {_JSON: {"schema": schema, "example": example}}}


def _responses(schema: dict[str, Any], example: object) -> dict[str, Any]:
    told: dict[str, Any] = {"schema": schema}
    if example is not None:
        told["example"] = example
    problem = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refused = {
        status: {"description": said, "content": problem} for status, said in _PROBLEMS.items()
    }
    return {"200": {"description": "Answered.", "content": {_JSON: told}}, **refused}
