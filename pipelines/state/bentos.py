"""Which bento a version was registered with; other builds may lie beside it in the store."""

from __future__ import annotations

import sqlalchemy as sa

from pipelines.state import ledger
from pipelines.state.runs import PROMOTED, REGISTERED
from pipelines.state.store import runs

BENTO = "bento"


def registered(engine: sa.Engine, model: str) -> dict[str, str]:
    """The tag of the bento of each version of a model, by the version's name.

    A version that is missing here was tagged, and its run never came to its end: nobody knows
    whether what was built is what was proved.
    """
    found: dict[str, str] = {}
    query = (
        sa.select(runs.c.version, runs.c.verdict)
        .where((runs.c.model == model) & runs.c.status.in_((PROMOTED, REGISTERED)))
        .order_by(runs.c.id)
    )
    with engine.connect() as connection:
        for version, verdict in connection.execute(query):
            tag = ((verdict or {}).get("evidence") or {}).get(BENTO)
            if version and tag:
                found[version] = tag
    for entry in reversed(ledger.history(engine, model)):
        if BENTO in entry.evidence:
            found[entry.version] = entry.evidence[BENTO]
    return found
