"""The processes of the local stack, which Supervisor starts, watches and ends.

Belongs here: Supervisor's files and its socket, ports, one group of processes a version. Does not
belong here: which versions should run, and what the gateway is told of them (`stack/`).
"""
