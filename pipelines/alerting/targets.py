"""Where Prometheus finds the model servers, whose ports are chosen when they start. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.fleet.ports import Pair
from pipelines.stack import servers


def targets(book: Mapping[str, Pair]) -> list[dict[str, Any]]:
    """The content of a file for Prometheus's `file_sd_configs`.

    Args:
        book: the HTTP and the gRPC port of each program; /metrics is at the first.

    Returns:
        A group a version, labelled `model` and `version` (`v3`).
    """
    found = []
    for version, places in servers.listening(book).items():
        model, _, number = version.partition("@")
        found.append(
            {
                "targets": [f"{place.host}:{place.port}" for place in places],
                "labels": {"model": model, "version": number},
            }
        )
    return found
