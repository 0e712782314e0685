"""A whole rollout by a cluster: the real machine, logs and store, against a real HTTPS API."""

from __future__ import annotations

from pipelines.rollout.state import Phase
from pipelines.state import ledger
from tests.kubernetes.project import STABLE, Rollout
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL


def test_a_good_challenger_goes_all_the_way(rollout: Rollout) -> None:
    rollout.router.settle(10)
    assert rollout.cluster.weights() == {STABLE: 100}
    rollout.begin()
    phases = rollout.drive()
    assert phases[-1] is Phase.PROMOTED, rollout.final().reason
    assert list(dict.fromkeys(rollout.weights)) == [0, 5, 25, 50, 100]
    live = ledger.live(rollout.world.project.engine, MODEL)
    assert live is not None
    assert (live.version, live.previous) == (CHALLENGER, CHAMPION)
