"""The inbox of reasons to train again: durable, and each with why it did or did not start.

    waiting --> started --> done
       `--> answered, or dropped

Belongs here: what a reason is, when it may start a retrain (`ruling.py`, pure), and the rows that
keep it (`inbox.py`). Does not belong here: what counts as a reason (`monitoring.policy`), and the
retrain itself, which is a flow.
"""
