"""The parameters of a throwaway clone, in which a rollout takes seconds and not days."""

from __future__ import annotations

from typing import Any

from flows.throwaway import MODEL

# Steps of seconds. They are loose, for so few requests can show no more than this.
_ROLLOUT: dict[str, Any] = {
    "steps": [25, 50, 100],
    "minimum_pairs": 150,
    "minimum_requests": 150,
    "deadline_hours": 0.05,
    "ready_minutes": 2,
    "shadow_margin": 0.3,
    "promote_ratio": 3,
    "bad_rate": {"errors": 0.05, "timeouts": 0.05, "invalid": 0.05, "latency": 0.3},
}


def one_model(
    model: dict[str, Any], given: dict[str, dict[str, Any]], ports: list[int], tiers: dict[str, Any]
) -> dict[str, Any]:
    """The parameters: one model that is released in quick steps, and a gateway of its own.

    Args:
        model: its own parameters.
        given: by section, what else is otherwise here.
        ports: of the gateway, of its metrics, and of the token endpoint.
        tiers: of the clients.
    """
    gateway, metrics, tokens = ports
    given = {"retrain": {"release": "staged"}, "rollout": _ROLLOUT, **given}
    merged = {name: {**model.get(name, {}), **more} for name, more in given.items()}
    return {
        "models": {MODEL: {**model, **merged}},
        # A copy is judged one timeout after its original: the mirror lasts as long at least.
        "gateway": {"port": gateway, "metrics_port": metrics, "timeout_seconds": 3},
        # It would take a part of the machine that is measured.
        "dashboard": {"serve": False},
        "identity": {"port": tokens, "tiers": tiers},
    }
