"""Ledgers and rollouts, written in a line."""

from __future__ import annotations

from typing import Any

import msgspec

from pipelines.rollout import clock
from pipelines.rollout.state import Phase, State
from pipelines.stack.desired import Known
from pipelines.state.ledger import PROMOTED, ROLLED_BACK, Entry
from tests.rollout.builders import begun

MODEL = "alpha"


def entries(*steps: str) -> list[Entry]:
    """The ledger after steps such as `v1`, `v2`, `back v1`; the newest first."""
    found: list[Entry] = []
    for number, step in enumerate(steps):
        found.append(
            Entry(
                at=f"2026-01-01T00:00:{number:02}Z",
                model=MODEL,
                action=ROLLED_BACK if step.startswith("back ") else PROMOTED,
                version=f"{MODEL}@{step.removeprefix('back ')}",
                previous=found[-1].version if found else None,
                commit="a" * 40,
                who="a person",
                why="a test",
                evidence={},
                run=None,
            )
        )
    return found[::-1]


def rollout(phase: Phase, stage: int = 0, **more: Any) -> State:
    """The rollout of v2 over v1 in a phase; its stages are the mirror, 5, 25 and 50 percent.

    A controller has looked at it just now.
    """
    told = {"clock": clock.read(), **more}
    return msgspec.structs.replace(begun(), phase=phase, stage=stage, **told)


def known(
    *steps: str,
    state: State | None = None,
    lost: tuple[str, ...] = (),
    doubt: str | None = None,
    later: float = 1.0,
) -> Known:
    """What a store says; the bentos of all versions are here but for those that are `lost`.

    It is asked some seconds `later` than the rollout was looked at last.
    """
    found = entries(*steps)
    versions = {f"{MODEL}@v{number}" for number in range(1, 10)}
    here = frozenset(versions - {f"{MODEL}@{name}" for name in lost})
    looked = begun().clock if state is None else state.clock
    now = msgspec.structs.replace(looked, wall=looked.wall + later, uptime=looked.uptime + later)
    return Known(MODEL, found, state, here, now, doubt)
