"""When work happens: the Prefect flows and the `evergreen` command line.

Belongs here: ordering, retries, leases, run folders, schedules, the console.
Does not belong here: what a stage computes. That is `pipelines/`.
"""
