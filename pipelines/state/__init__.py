"""The durable store: leases, runs and the live ledger. SQLite here, any SQLAlchemy URL elsewhere.

Belongs here: rows, and the transactions that keep them true. Does not belong here: files (they
are DVC's and git's) and decisions (they are values from `gates/`).
"""
