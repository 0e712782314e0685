"""Faults that are planted on purpose, and go by themselves."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import GatewayError
from pipelines.files import write_json
from pipelines.fleet.locks import held
from pipelines.gateway.table import Fault
from pipelines.paths import HomePaths

LOCK_SECONDS = 5.0


def path(home: HomePaths) -> Path:
    """Where they are written."""
    return home.fleet / "faults.json"


def planted(home: HomePaths, now: float) -> dict[str, tuple[Fault, ...]]:
    """The faults that have not expired, by model.

    Args:
        home: of the stack.
        now: unix seconds.

    Raises:
        GatewayError: the file is damaged.
    """
    try:
        content = json.loads(path(home).read_text(encoding="utf-8"))
        read = {model: [Fault(**each) for each in each_of] for model, each_of in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise GatewayError(
            f"the planted faults cannot be read: {error}",
            where=str(path(home)),
            next_step="remove the file: no fault is planted then",
        ) from error
    current = {model: tuple(f for f in each if f.expires > now) for model, each in read.items()}
    return {model: each for model, each in current.items() if each}


def plant(home: HomePaths, model: str, fault: Fault, now: float) -> None:
    """Add a fault to those of a model. It takes effect with the next `reroute`."""
    with held(home.fleet / "faults.lock", LOCK_SECONDS):
        known = planted(home, now)
        _write(home, {**known, model: (*known.get(model, ()), fault)})


def clear(home: HomePaths, model: str) -> None:
    """Take all faults of a model away, with the next `reroute`."""
    with held(home.fleet / "faults.lock", LOCK_SECONDS):
        known = planted(home, 0.0)
        _write(home, {name: each for name, each in known.items() if name != model})


def in_words(model: str, fault: Fault) -> str:
    """What a fault does, until when, and whose it is."""
    until = datetime.fromtimestamp(fault.expires, UTC)
    whose = f"{fault.percent} % of the requests to {fault.version or model}"
    return f"{whose} {fault.what}, until {until:%H:%M:%S} UTC, planted by {fault.who}"


def _write(home: HomePaths, faults: dict[str, tuple[Fault, ...]]) -> None:
    write_json({model: [asdict(f) for f in each] for model, each in faults.items()}, path(home))
