"""The gateway: Envoy's files, rendered from a table and swapped while it runs.

Belongs here: what Envoy is told (listener, filters, routes, clusters), how it takes a change, and
reading what it wrote. The table says everything, so the same table always gives the same files.
Does not belong here: which version should have which weight (that is `rollout/`), starting Envoy or
model servers (`fleet/`), and the state store.
"""
