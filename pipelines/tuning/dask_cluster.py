"""A Dask cluster as seen from outside: what one of this machine is made with, and its absence.

Nothing of Dask is imported here, so that a flow can ask without a search.
"""

from __future__ import annotations

from typing import Any

from pipelines.errors import StateError

# So long a scheduler that is named has to answer, and one that was lost to come back.
ANSWER_SECONDS = 10


def local(count: int) -> dict[str, Any]:
    """What a `LocalCluster` of `count` processes is made with: loopback only, no dashboard."""
    return {
        "n_workers": count,
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
        "scheduler_kwargs": {"dashboard": False},
        "worker_dashboard_address": None,
        "memory_limit": None,
    }


def no_workers(address: str, seconds: int, error: Exception) -> StateError:
    """The error for a cluster that cannot be worked on."""
    return StateError(
        f"no Dask scheduler with workers answers within {seconds} s: {error}",
        where=f"{address} (params.yaml: tune.dask_address)",
        next_step="start `dask scheduler` and `dask worker` there, or set it to null for a "
        "cluster on this machine",
    )


def gone(address: str) -> StateError:
    """The error for a scheduler that ended while trials were under way."""
    return StateError(
        "the Dask scheduler was lost in the middle of the search",
        where=f"{address} (params.yaml: tune.dask_address)",
        next_step="start it and its workers again, then run the same command: finished trials are "
        "kept, and the search goes on with the next",
    )
