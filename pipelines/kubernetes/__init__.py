"""The second router: the same rollout moves requests by a cluster's Gateway API.

Belongs here: what the state store says as Deployments, Services and routes, and the small client
that applies them. Does not belong here: what is decided (`rollout/`), what follows from it
(`stack/desired.py`, `stack/tables.py`), and what a version needs to run (`deploying/`).
"""
