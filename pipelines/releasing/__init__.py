"""A version reaches users, or leaves them: the rollout's ticks, its begin, its end, a rollback.

Belongs here: the order of reading evidence, deciding, writing and applying, so that each may be
killed anywhere. It knows nothing of Prefect: a person can roll back when that is down. Does not
belong here: the decisions themselves (`rollout/`) and how they are applied (`stack/`).
"""
