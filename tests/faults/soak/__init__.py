"""The loop under seeded SIGKILLs: `python -m tests.faults.soak` is `make soak`.

Belongs here: what goes on in a project (`acts.py`), the schedule of kills (`killer.py`), and what
has to be true after each of them (`truths.py`). Nothing here stands in for the real thing.
"""
