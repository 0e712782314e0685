"""git, DVC and GTO: the workspaces that runs work in, and the versions that they end as.

Belongs here: every call to git, DVC and GTO. Does not belong here: Prefect, and what stages do.
"""
