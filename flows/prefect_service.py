"""`python -m flows.prefect_service ARGUMENTS`: Prefect's own command, with schedules that work.

Prefect 3.8 writes the runs of a schedule with their state as one of the columns. SQLAlchemy 2.0
left out what is no column; 2.1 refuses it, and no schedule ever starts anything. The server says
so in its log only, and answers as if nothing were wrong.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def mend_schedules() -> None:
    """Have SQLAlchemy leave out the state of a scheduled run, which Prefect writes by itself."""
    from prefect.server.database.orm_models import FlowRun

    state: Any = FlowRun.__mapper__.all_orm_descriptors["state"]
    state.inplace.bulk_dml(_left_out)


def main() -> None:
    """Run Prefect's command line."""
    from prefect.cli import app

    mend_schedules()
    app()


def _left_out(_cls: type, _mapping: MutableMapping[str, Any], _value: object) -> None:
    """Nothing: what no column takes is not written."""


if __name__ == "__main__":
    main()
