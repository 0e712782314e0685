"""`deployments/prefect.yaml`: what it names exists, and Prefect can read it."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest
import yaml
from prefect.cli.deploy._triggers import DeploymentTriggerAdapter
from prefect.flows import Flow

from flows import deployments, events
from pipelines import settings
from pipelines.errors import SettingsError
from pipelines.settings import TriggerSettings
from tests.architecture.source import ROOT

ONCE = {"approve-rollout", "scoring", "cleanup", "reconcile"}
FILE = ROOT / deployments.FILE


def told(*models: str) -> dict[str, dict[str, Any]]:
    content = yaml.safe_load(deployments.expanded(FILE.read_text(), models))
    return {each["name"]: each for each in content["deployments"]}


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    file, name = deployment["entrypoint"].split(":")
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    found: Flow[..., Any] = getattr(module, name)
    return found


def test_every_model_has_its_own_and_the_others_are_there_once() -> None:
    of_two = told("alpha", "beta")
    per_model = {
        f"{kind}-{m}" for kind in ("retrain", "monitor", "rollout") for m in ("alpha", "beta")
    }
    assert of_two.keys() == per_model | ONCE
    assert of_two["monitor-beta"]["parameters"] == {"model": "beta"}
    assert "EVERGREEN_MODEL" not in deployments.expanded(FILE.read_text(), ["alpha"])
    assert told().keys() == ONCE


def test_the_models_are_those_of_the_project() -> None:
    content = yaml.safe_load(deployments.of_project(ROOT))
    found = {
        name for each in content["deployments"] if (name := each["name"]).startswith("monitor")
    }
    assert found == {f"monitor-{model}" for model in settings.load(ROOT).models}
    assert content["pull"], "what is no deployment is kept"


@pytest.mark.parametrize("name", sorted(told("alpha")))
def test_entrypoints_are_flows_that_take_what_they_are_given(name: str) -> None:
    deployment = told("alpha")[name]
    flow = flow_of(deployment)
    taken = inspect.signature(flow.fn).parameters
    given = [deployment.get("parameters", {})]
    for trigger in deployment.get("triggers", []):
        DeploymentTriggerAdapter.validate_python(trigger)
        given.append(trigger.get("parameters", {}))
    for parameters in given:
        assert parameters.keys() <= taken.keys()
    # Relative to the project, which is where the worker goes first.
    assert "root" not in given


def test_automations_wait_for_what_is_told() -> None:
    expected = {
        kind: [trigger["expect"] for trigger in told("alpha")[f"{kind}-alpha"]["triggers"]]
        for kind in ("retrain", "rollout")
    }
    assert expected == {"retrain": [[events.DRIFT]], "rollout": [[events.ROLLOUT]]}


def test_what_starts_on_an_event_loads_late() -> None:
    # A run counts as started once its module is loaded, by a process that is new each time.
    code = "import sys, flows.answering, flows.reconciling, flows.watching; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    late = {"duckdb", "numpy", "pandas", "pyarrow", "scipy", "sqlalchemy"}
    assert late & set(done.stdout.split()) == set()


def test_what_is_handed_out_again_gets_through() -> None:
    [trigger] = told("alpha")["retrain-alpha"]["triggers"]
    assert trigger["within"] < TriggerSettings().handover_minutes * 60 / 2


def test_crashes_of_every_flow_but_its_own_are_seen_to() -> None:
    found = told("alpha")
    others = {flow_of(each).name for name, each in found.items() if name != "reconcile"}
    for trigger in found["reconcile"]["triggers"]:
        seen = set(trigger["match_related"]["prefect.resource.name"])
        # A question to a person waits by being suspended, and has nothing to lose.
        assert seen - {"retrain"} == others - {"approve-rollout"}
        assert "reconcile" not in seen


@pytest.mark.parametrize("text", ["[", "a: 1", "deployments: 7"], ids=["broken", "other", "number"])
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"prefect\.yaml"):
        deployments.expanded(text, ["alpha"])
