"""Requests of the protocol for the small models of the tests."""

from __future__ import annotations

import json
from typing import Any

from pipelines.serving.inference_protocol.datatypes import BYTES, pack_strings

PATH = "/v2/models/flights/infer"


def inputs(a: Any = 1.0, b: Any = 0.5, city: Any = "Oslo") -> list[dict[str, Any]]:
    """One row of the table."""
    return [
        {"name": "a", "shape": [1, 1], "datatype": "FP64", "data": [a]},
        {"name": "b", "shape": [1, 1], "datatype": "FP64", "data": [b]},
        {"name": "city", "shape": [1, 1], "datatype": BYTES, "data": [city]},
    ]


def in_json(**row: Any) -> bytes:
    return json.dumps({"inputs": inputs(**row), "id": "7"}).encode()


def in_binary(city: str = "Oslo") -> tuple[bytes, dict[str, str]]:
    """A body that carries the category as bytes, and its headers."""
    numbers, word = inputs()[:2], pack_strings([city])
    size = {"binary_data_size": len(word)}
    head = json.dumps(
        {
            "inputs": [
                *numbers,
                {"name": "city", "shape": [1], "datatype": BYTES, "parameters": size},
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    return head + word, {"Inference-Header-Content-Length": str(len(head))}
