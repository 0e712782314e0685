"""Chains behind the gateway: made of what is live, and never away while they are made anew."""

from __future__ import annotations

import pytest

from pipelines.settings import ChainSettings
from pipelines.stack import applied, programs
from pipelines.stack.chained import chained
from pipelines.stack.desired import Wanted
from pipelines.stack.reconcile import reconcile, reroute
from pipelines.stack.starting import up
from pipelines.state.ledger import ROLLED_BACK
from tests.stack.project import Project
from tests.waiting import until

CHAINS = {"trip": ChainSettings(first="alpha", then="beta")}


def live(model: str, number: str, **problems: str) -> Wanted:
    version = f"{model}@{number}"
    told = {f"{model}@{name}": why for name, why in problems.items()}
    return Wanted(model, version, {version: 100}, problems=told)


def test_a_chain_is_of_the_live_versions_of_both() -> None:
    assert chained(CHAINS, [live("alpha", "v3")]) == []
    assert chained({}, [live("alpha", "v3"), live("beta", "v1")]) == []
    [found] = chained(CHAINS, [live("beta", "v1"), live("alpha", "v3")])
    assert (found.model, found.champion) == ("trip", "trip@v3.v1")
    assert (found.weights, found.versions) == ({"trip@v3.v1": 100}, ("trip@v3.v1",))


def test_what_keeps_a_part_from_being_there_keeps_the_chain() -> None:
    [found] = chained(CHAINS, [live("alpha", "v3", v3="gone"), live("beta", "v1", v2="odd")])
    assert found.problems == {"trip@v3.v1": "alpha@v3: gone"}
    assert found.versions == ()


def test_a_chain_follows_its_parts_and_the_old_one_answers_meanwhile(project: Project) -> None:
    project.chain("trip", then="beta")
    project.promote("v1")
    assert up(project.root).reconciled.ready == {"alpha@v1"}
    with pytest.raises(OSError, match="404"):
        project.ask("trip")

    project.promote("v1", model="beta")
    found = reconcile(project.root)
    assert found.ready == {"alpha@v1", "beta@v1", "trip@v1.v1"}
    assert found.problems == {}
    until(lambda: _answers(project) == "v1.v1")

    # Live is v2 from now on, and the chain of it is being made.
    project.mark("busy-v2.v1")
    project.promote("v2")
    found = reconcile(project.root, wait_seconds=3.0)
    assert "trip@v2.v1" in found.problems
    assert found.weights["trip"] == {"trip@v1.v1": 100}
    assert project.ask("trip")["version"] == "v1.v1"

    project.mark("busy-v2.v1", is_there=False)
    found = reconcile(project.root)
    assert found.weights["trip"] == {"trip@v2.v1": 100}
    assert "trip@v1.v1" not in found.running
    assert project.ask("trip", **{"x-model-version": "v2.v1"})["version"] == "v2.v1"

    project.promote("v1", ROLLED_BACK)
    assert reroute(project.root).weights["trip"] == {"trip@v2.v1": 100}, "until the other is there"
    assert reconcile(project.root).weights["trip"] == {"trip@v1.v1": 100}
    assert project.ask("trip")["version"] == "v1.v1"


def _answers(project: Project) -> str | None:
    try:
        return str(project.ask("trip")["version"])
    except OSError:
        return None


@pytest.mark.slow
def test_the_keeper_makes_the_chain_anew_by_itself(project: Project) -> None:
    project.chain("trip", then="beta")
    project.promote("v1")
    project.promote("v1", model="beta")
    up(project.root, [programs.keeper(project.root, project.home)])
    project.promote("v2", model="beta")
    until(lambda: applied.read(project.home).weights["trip"] == {"trip@v1.v2": 100})
    assert project.ask("trip")["version"] == "v1.v2"
