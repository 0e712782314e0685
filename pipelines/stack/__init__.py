"""The local stack as a whole: processes and routes are brought in line with the state store.

Belongs here: from the ledger, the rollouts and the settings to what should run and be routed, and
doing so. It can be asked at any moment, by anybody, and twice. Does not belong here: deciding how
far a rollout goes (`rollout/`), and how each part is done (`fleet/`, `gateway/`).
"""
