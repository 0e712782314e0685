"""Faults on purpose, on a stack of its own that real requests go through while they happen.

Belongs here: what is broken, what the release machinery should make of it, what clients saw of it,
and the throwaway clone in which that happens. Does not belong here: deciding anything about a
version (`pipelines/rollout`), or planting a fault in somebody's stack (`flows/injecting.py`).
"""
