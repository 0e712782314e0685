"""The ways in to a model: which paths and metadata are meant for it, and what a server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.gateway.names import MODEL, Protocol

GRPC_SERVICE = "/inference.GRPCInferenceService/"


@dataclass(frozen=True)
class Door:
    """One way in.

    Attributes:
        match: of Envoy's routes.
        predicts: further conditions, under which a request asks for a prediction; all else
            that comes this way only asks about the model.
        rewrite: what the server is asked in place of what matched, or None for the same.
        has_fallback: whether the model's declared answer is an answer here, too.
    """

    match: Mapping[str, Any]
    predicts: Mapping[str, Any]
    protocol: Protocol = "rest"
    rewrite: str | None = None
    has_fallback: bool = False


_POST = {"name": ":method", "string_match": {"exact": "POST"}}


def prediction_doors(model: str) -> tuple[Door, ...]:
    """The doors through which a model is asked to predict."""
    named = {"name": MODEL, "string_match": {"exact": model}}
    return (
        # The declared answer has the form of this door, and would be none of the protocol's.
        Door({"path": f"/{model}/predict"}, _also(_POST), rewrite="/predict", has_fallback=True),
        Door({"path_separated_prefix": f"/{model}/v2"}, _also(_POST), rewrite="/v2"),
        Door({"path_separated_prefix": f"/v2/models/{model}"}, _also(_POST)),
        Door(
            {"prefix": GRPC_SERVICE, "headers": [named]},
            {"path": f"{GRPC_SERVICE}ModelInfer", "headers": [named]},
            protocol="grpc",
        ),
    )


def feedback_door(model: str) -> Door:
    """The door through which labels come in."""
    return Door({"path": f"/{model}/feedback"}, {}, rewrite="/feedback")


def _also(header: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"headers": [header]}


def predicting(door: Door) -> dict[str, Any]:
    """The match of a request for a prediction."""
    if "path" in door.predicts:
        return dict(door.predicts)
    return {**door.match, **door.predicts}
