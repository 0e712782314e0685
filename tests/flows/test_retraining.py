"""How a retrain begins; the whole of it is in tests/e2e and tests/faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import retraining
from pipelines.errors import BusyError
from pipelines.monitoring.triggers import inbox
from pipelines.settings import TriggerSettings
from pipelines.state import runs, store
from tests.monitoring.triggers.builders import HOUR, MODEL, NOW, event, go_live


def test_what_took_too_long_to_begin_is_not_trained_for(tmp_path: Path) -> None:
    engine = store.connect(tmp_path / "state.db")
    go_live(engine)
    inbox.offer(engine, event(), NOW)
    slow = inbox.settle(engine, MODEL, TriggerSettings(), NOW)
    assert slow is not None
    inbox.take(engine, slow.trigger.id, slow.attempt)
    # It has no lease yet, so nobody sees it at work.
    assert inbox.settle(engine, MODEL, TriggerSettings(), NOW + HOUR) is not None
    run, _ = runs.begin(engine, MODEL, "0" * 40, {}, "drift")
    with pytest.raises(BusyError, match="came too late to begin"):
        retraining._tell_inbox(engine, (slow.trigger.id, slow.attempt), run)
    [given_up] = [each for each in runs.latest(engine, MODEL) if each.id == run.id]
    assert given_up.status == runs.ABANDONED
    [trigger] = inbox.listed(engine, MODEL)
    assert (trigger.attempt, trigger.run) == (2, None)
