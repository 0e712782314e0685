"""What a rollout is judged on: from the logs of gateway, servers and labels to `rollout.Evidence`.

Belongs here: reading those logs between two moments and counting. Reading the same stretch again
gives the same evidence. Does not belong here: what the evidence shows (`rollout/`, `statistics/`).
"""
