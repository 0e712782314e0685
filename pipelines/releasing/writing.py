"""How far a rollout is, and what is live: written together."""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.releasing.project import Project
from pipelines.releasing.registered import require
from pipelines.rollout import store
from pipelines.rollout.state import Phase, State
from pipelines.rollout.store import Stored
from pipelines.state import ledger
from pipelines.state.ledger import Promotion
from pipelines.verdicts import Verdict

# Who decides when no person does.
EVERGREEN = "evergreen"


def write(project: Project, stored: Stored, state: State, verdict: Verdict | None = None) -> Stored:
    """Write the next state of a rollout that was claimed, and with a promotion that it is live.

    Raises:
        BusyError: another controller took the rollout over since; nothing was written.
        RolloutError: what is promoted does not exist in full any more.
    """
    if state.phase is not Phase.PROMOTED:
        return store.save(project.engine, stored, state, verdict)
    promotion = _promotion(project, state, verdict)

    def with_the_ledger(connection: sa.Connection) -> None:
        # Promoted in one and not in the other would be two truths.
        ledger.append(connection, promotion)

    return store.save(project.engine, stored, state, verdict, with_the_ledger)


def _promotion(project: Project, state: State, verdict: Verdict | None) -> Promotion:
    plan = state.plan
    found = require(project, plan.model, plan.challenger)
    return Promotion(
        model=plan.model,
        version=plan.challenger,
        commit=found.version.commit,
        who=EVERGREEN,
        why=f"rollout {plan.id}: {state.reason}",
        evidence={
            "bento": found.bento,
            "rollout": plan.id,
            "verdict": None if verdict is None else verdict.to_json(),
        },
        run=f"rollout {plan.id}",
    )
