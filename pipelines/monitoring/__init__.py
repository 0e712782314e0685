"""Live traffic as evidence: windows, drift, quality, and the decision to train again.

Belongs here: reading the prediction log and the feedback into windows, comparing them with the
reference of the live version, the policy, and the inbox of triggers. Does not belong here: writing
those logs (`predictions/`), starting a flow (`flows/`), and judging a new version (`gates/`).
"""
