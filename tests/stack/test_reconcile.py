"""Real processes under a real Supervisor, behind a real Envoy, in line with the state store."""

from __future__ import annotations

import os
import signal
import urllib.error

import pytest

from pipelines.fleet import strays
from pipelines.gateway.security import Security
from pipelines.rollout.state import Phase
from pipelines.stack.reconcile import reconcile, reroute
from pipelines.stack.starting import down, up
from pipelines.state.ledger import ROLLED_BACK
from tests.fleet.programs import until
from tests.stack.known import rollout
from tests.stack.project import Project

V1, V2, V3 = "alpha@v1", "alpha@v2", "alpha@v3"


def test_the_way_of_a_version_from_mirror_to_live_and_back(project: Project) -> None:
    project.promote("v1")
    project.register("v2")
    first = up(project.root, Security.off())
    assert first.reconciled.ready == {V1}
    assert project.answers() == {"v1"}

    project.roll_out(rollout(Phase.MIRRORING))
    found = reconcile(project.root)
    assert (found.ready, found.mirror["alpha"]) == ({V1, V2}, V2)
    assert project.answers() == {"v1"}

    project.roll_out(rollout(Phase.STEPPING, 3, generation=3))
    assert reroute(project.root).weights == {"alpha": {V1: 50, V2: 50}}
    assert project.answers() == {"v1", "v2"}

    project.roll_out(rollout(Phase.PROMOTED, 3, generation=4))
    project.promote("v2")
    assert reconcile(project.root).weights == {"alpha": {V2: 100}}
    assert project.answers() == {"v2"}

    project.promote("v1", ROLLED_BACK)
    assert reroute(project.root).weights == {"alpha": {V1: 100}}
    assert project.answers() == {"v1"}
    found = reconcile(project.root)
    assert found.running == {V1}, "what was rolled back is ended once nothing is sent to it"
    assert project.answers() == {"v1"}
