"""A whole rollout by a cluster: the real machine, logs and store, against a real HTTPS API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from pipelines.errors import ClusterError, RolloutError
from pipelines.kubernetes.router import KubernetesRouter
from pipelines.releasing.rollback import rollback
from pipelines.releasing.router import Applied
from pipelines.rollout.state import Phase
from pipelines.state import ledger
from tests.kubernetes import schema
from tests.kubernetes.controllers import backends
from tests.kubernetes.project import CANARY, STABLE, Rollout
from tests.kubernetes.tables import mirror_of, weights_of
from tests.releasing import world as worlds
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL, Killed
from tests.waiting import until


def is_mirrored(rollout: Rollout) -> bool:
    [rule, *_] = rollout.cluster.get("httproutes", MODEL)["spec"]["rules"]
    return mirror_of(rule) == [CANARY]


def roll_back(rollout: Rollout):
    project = rollout.world.project
    return rollback(project, MODEL, rollout.router, who="ann", why="worse")


def reach(rollout: Rollout, phase: Phase, **traffic) -> None:
    for _ in range(60):
        if rollout.tick().state.phase is phase:
            return
        rollout.serve(10, **traffic)
    raise AssertionError(rollout.final().reason)


def test_a_good_challenger_goes_all_the_way_and_back(rollout: Rollout) -> None:
    rollout.router.settle(10)
    assert rollout.cluster.weights() == {STABLE: 100}
    rollout.begin()
    reach(rollout, Phase.MIRRORING)
    rollout.serve(10)
    assert (is_mirrored(rollout), rollout.canary()) == (True, 0)
    phases = rollout.drive()
    assert phases[-1] is Phase.PROMOTED, rollout.final().reason
    assert list(dict.fromkeys(rollout.weights)) == [0, 5, 25, 50, 100]
    assert rollout.cluster.weights() == {CANARY: 100}
    live = ledger.live(rollout.world.project.engine, MODEL)
    assert live is not None
    assert (live.version, live.previous) == (CHALLENGER, CHAMPION)

    # The version before it is kept warm, so that the way back is one change of the routes.
    seen = len(rollout.cluster.changes)
    done = roll_back(rollout)
    assert (done.live, done.before) == (CHAMPION, CHALLENGER)
    assert rollout.cluster.weights() == {STABLE: 100}
    assert [name for name, _ in rollout.cluster.changes[seen:]] == [
        f"httproutes/{MODEL}",
        f"grpcroutes/{MODEL}",
        f"httproutes/{MODEL}.debug",
    ]
    check_all_that_was_ever_routed(rollout)


def check_all_that_was_ever_routed(rollout: Rollout) -> None:
    """At no moment: other sums than 100, another host for both kinds, what is not registered."""
    for name, found in rollout.cluster.changes:
        sent = {**found, "metadata": {"name": found["metadata"]["name"]}}
        sent.pop("status", None)
        assert schema.problems(sent) == [], name
        assert backends(found) <= {STABLE, CANARY}
        for rule in found["spec"]["rules"]:
            assert sum(weights_of(rule).values()) == 100


def test_grpc_goes_with_rest_at_each_step(rollout: Rollout) -> None:
    rollout.write_params(mirror=False, steps=[50, 100])
    rollout.begin()
    reach(rollout, Phase.STEPPING)
    for kind in ("httproutes", "grpcroutes"):
        assert rollout.cluster.weights(plural=kind) == {STABLE: 50, CANARY: 50}
    routes = [rollout.cluster.get(kind, MODEL) for kind in ("httproutes", "grpcroutes")]
    state = rollout.final()
    for route in routes:
        annotations = route["metadata"]["annotations"]
        assert annotations["evergreen/rollout"] == state.plan.id
        assert annotations["evergreen/generation"] == str(state.generation)


def test_a_challenger_that_fails_goes_back_at_once(rollout: Rollout) -> None:
    rollout.begin()
    reach(rollout, Phase.STEPPING)
    assert rollout.drive(bad_share=0.5)[-1] is Phase.ROLLED_BACK
    assert rollout.cluster.weights() == {STABLE: 100}
    assert not is_mirrored(rollout)
    live = ledger.live(rollout.world.project.engine, MODEL)
    assert live is not None
    assert live.version == CHAMPION


def test_a_challenger_that_never_serves_gets_no_request(rollout: Rollout) -> None:
    rollout.write_params(ready_minutes=1)
    rollout.cluster.broken = {CANARY}
    rollout.router.settle(10)
    rollout.begin()
    applied = rollout.router.settle(2)
    assert applied.ready == {CHAMPION}
    assert "Available is False" in applied.problems[CHALLENGER]
    assert rollout.drive()[-1] is Phase.ABORTED
    for _, found in rollout.cluster.changes:
        assert CANARY not in backends(found)


def test_a_challenger_that_loses_its_pods_loses_its_requests(rollout: Rollout) -> None:
    """Nothing in a route answers in its place, so whoever reroutes next takes them away."""
    rollout.write_params(mirror=False, steps=[50, 100])
    rollout.begin()
    reach(rollout, Phase.STEPPING)
    rollout.cluster.down = {CANARY}
    until(lambda: not rollout.cluster.get("deployments", CANARY)["status"]["availableReplicas"])
    rollout.router.reroute()
    assert rollout.cluster.weights() == {STABLE: 100}
    assert CHALLENGER not in rollout.router.reconcile().ready
    rollout.cluster.down = set()
    rollout.router.settle(10)
    assert rollout.cluster.weights() == {STABLE: 50, CANARY: 50}


def test_a_rollback_while_the_api_is_away_is_applied_by_the_same_command(rollout: Rollout) -> None:
    rollout.begin()
    reach(rollout, Phase.STEPPING)
    rollout.cluster.answers["GET httproutes"] = [500]
    with pytest.raises(RolloutError, match="is written as live, and the routes") as caught:
        roll_back(rollout)
    assert "run the same command again" in caught.value.next_step
    assert rollout.canary() == 5
    assert rollout.final().phase is Phase.ABORTED
    rollout.router.reroute()
    assert rollout.cluster.weights() == {STABLE: 100}


def test_without_the_gateway_api_it_says_what_to_install(rollout: Rollout) -> None:
    rollout.cluster.without = {"httproutes"}
    with pytest.raises(ClusterError, match="404") as caught:
        rollout.router.reconcile()
    assert "install the Gateway API" in caught.value.next_step


@dataclass
class Mortal:
    """The router, in a process that is killed before a call of it, or right after one."""

    router: KubernetesRouter
    dies_at: int
    is_after: bool
    calls: list[str] = field(default_factory=list)

    def reconcile(self) -> Applied:
        self._before("reconcile")
        applied = self.router.reconcile()
        self._after()
        return applied

    def reroute(self) -> None:
        self._before("reroute")
        self.router.reroute()
        self._after()

    def _before(self, call: str) -> None:
        self.calls.append(call)
        if len(self.calls) - 1 == self.dies_at and not self.is_after:
            raise Killed

    def _after(self) -> None:
        if len(self.calls) - 1 == self.dies_at and self.is_after:
            raise Killed


def deaths() -> list[Any]:
    """Each call of the router, from the first to the one that applies the promotion."""
    quick = {(2, False), (5, True)}
    return [
        pytest.param(
            *(at, is_after),
            id=f"{'after' if is_after else 'before'} call {at}",
            marks=[] if (at, is_after) in quick else [pytest.mark.slow],
        )
        for at in range(6)
        for is_after in (False, True)
    ]


@pytest.mark.parametrize(("dies_at", "is_after"), deaths())
def test_killed_between_save_and_apply_it_goes_on(rollout: Rollout, dies_at, is_after) -> None:
    """The cluster's weights are those of a written step, and the end is the same."""
    rollout.write_params(mirror=False, steps=[50, 100])
    rollout.router.settle(10)
    rollout.begin()
    router = Mortal(rollout.router, dies_at, is_after)
    died = 0
    for _ in range(40):
        try:
            phase = rollout.tick(router).state.phase
        except Killed:
            died += 1
            written = [{STABLE: 100}, {STABLE: 50, CANARY: 50}]
            if rollout.final().phase is Phase.PROMOTED:
                written.append({CANARY: 100})
            assert rollout.cluster.weights() in written
            continue
        wanted, _ = worlds.desired(rollout.world.project)
        assert rollout.cluster.weights() == {v.replace("@", "-"): w for v, w in wanted.items()}
        if phase.is_final:
            break
        rollout.serve(10)
    assert rollout.final().phase is Phase.PROMOTED, rollout.final().reason
    assert died == 1
    assert rollout.cluster.weights() == {CANARY: 100}
