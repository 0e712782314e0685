"""The staged rollout of a version: evidence in, the next state and the weights out.

Belongs here: what counts as evidence, what it shows, the states of a rollout and their rows in the
state store. `machine` and `analysis` are pure functions, so that every state can be tried in tests
and a controller that was killed goes on from what it last wrote.
Does not belong here: moving requests, starting servers, reading logs, sleeping between ticks, and
the formulas of the tests (those are in `pipelines.statistics.sequential`).
"""
