"""Which server should run for a chain of two models, and be asked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipelines.rollout.routing import FULL
from pipelines.settings import ChainSettings
from pipelines.stack.desired import Wanted


def chained(chains: Mapping[str, ChainSettings], models: Collection[Wanted]) -> list[Wanted]:
    """What should be true of each chain both of whose models are live.

    A chain has no rollout of its own: it is made of what is live, so a promotion or a rollback of
    either model makes another version of it. Until that one answers, the one before it goes on,
    as for a version that a person returns to.

    Args:
        chains: by name, as in params.yaml.
        models: what should be true of the models.
    """
    live = {each.model: each for each in models}
    return [
        _wanted(name, live[chain.first], live[chain.then])
        for name, chain in chains.items()
        if {chain.first, chain.then} <= live.keys()
    ]


def _wanted(name: str, first: Wanted, then: Wanted) -> Wanted:
    numbers = (each.champion.partition("@")[2] for each in (first, then))
    version = f"{name}@{'.'.join(numbers)}"
    found = [
        f"{part.champion}: {part.problems[part.champion]}"
        for part in (first, then)
        if part.champion in part.problems
    ]
    problems = {version: "; ".join(found)} if found else {}
    return Wanted(name, version, {version: FULL}, problems=problems)
