"""What of a model is needed now, and by whom: read from the state store and the stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pipelines.fleet import ports
from pipelines.fleet.layout import Layout
from pipelines.paths import HomePaths
from pipelines.releasing import ids
from pipelines.rollout import store as rollouts
from pipelines.rollout.plan import Plan
from pipelines.stack import applied, servers
from pipelines.stack.desired import previous_live
from pipelines.state import bentos, ledger, runs
from pipelines.state.ledger import Entry
from pipelines.state.runs import Run


@dataclass(frozen=True)
class Needs:
    """What must stay.

    Attributes:
        model: whose.
        versions: by name, who needs it.
        bentos: the tag that each version was registered with.
        runs: by id, the retrains that the store knows.
        base: the run that the next retrain takes finished work from, or None.
        retention_days: how long answers are kept.
    """

    model: str
    versions: Mapping[str, str]
    bentos: Mapping[str, str]
    runs: Mapping[str, Run]
    base: str | None
    retention_days: float


def of_model(
    engine: sa.Engine, home: HomePaths, model: str, keep_versions: int, retention_days: float
) -> Needs:
    """Read it, as of this moment.

    Args:
        engine: of the state store.
        home: the runtime state.
        model: its name.
        keep_versions: how many of the newest that were live stay, for a person's rollback.
        retention_days: how long answers are kept.

    Raises:
        StateError: the store, or an open rollout, cannot be read: nothing may be removed then.
    """
    known = runs.latest(engine, model, most=100_000)
    entries = ledger.history(engine, model)
    stored = rollouts.current(engine, model)
    plan = None if stored is None else stored.state.plan
    found = _of_stack(home, model)
    had_theirs = {entry.version for entry in entries}
    had_theirs |= {ids.challenger_of(each.id) for each in rollouts.listed(engine, model)}
    found |= _of_registered(known, had_theirs)
    found |= _of_history(entries, keep_versions)
    found |= {} if plan is None else _of_rollout(plan)
    found |= _of_ledger(entries)
    base = next((run.id for run in known if run.commit), None)
    tags = bentos.registered(engine, model)
    return Needs(model, found, tags, {run.id: run for run in known}, base, retention_days)


def _of_ledger(entries: list[Entry]) -> dict[str, str]:
    if not entries:
        return {}
    previous = previous_live(entries)
    back = {} if previous is None else {previous: "a rollback would return to it"}
    return {**back, entries[0].version: "it is live"}


def _of_rollout(plan: Plan) -> dict[str, str]:
    why = f"the rollout {plan.id} is open"
    return {plan.champion: why, plan.challenger: why}


def _of_history(entries: list[Entry], most: int) -> dict[str, str]:
    live = list(dict.fromkeys(entry.version for entry in entries))
    return dict.fromkeys(live[:most], f"one of the newest {most} that were live")


def _of_registered(known: list[Run], had_theirs: set[str]) -> dict[str, str]:
    """The newest that waits for its rollout: those before it are never begun by themselves."""
    registered = (run.version for run in known if run.status == runs.REGISTERED and run.version)
    newest = next((version for version in registered if version not in had_theirs), None)
    return {} if newest is None else {newest: "it waits for its rollout"}


def _of_stack(home: HomePaths, model: str) -> dict[str, str]:
    """What the gateway sends requests to, and what has a place among the servers."""
    told = applied.read(home)
    named = {*told.upstreams, *told.champion.values(), *told.previous.values()}
    named |= {version for weights in told.weights.values() for version in weights}
    named |= set(told.mirror.values())
    routed = dict.fromkeys(filter(None, named), "the gateway was told of it")
    book = ports.read(Layout.of(home).ports)
    listening = filter(None, (servers.version_of(name) for name in book))
    found = {**dict.fromkeys(listening, "a server of it runs"), **routed}
    return {name: why for name, why in found.items() if name.partition("@")[0] == model}
