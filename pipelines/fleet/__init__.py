"""The processes of the local stack, which Supervisor starts, watches and ends.

Belongs here: Supervisor's files and its socket, ports, and what a killed Supervisor left behind.
Does not belong here: which versions should run, and what the gateway is told of them (`stack/`).
"""
