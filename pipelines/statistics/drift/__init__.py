"""How far a window of live values is from a reference: effect sizes first, p-values beside them.

With a million rows everything is significant, so a distance says whether a change matters and a
p-value only whether it could be chance. Both are computed from counts that portions of a window add
up to, so that a window of any size is compared whole and in bounded memory.

Belongs here: pure functions from counts to a distance or a p-value. Does not belong here: which
distance is too far, and what follows from it; that is `pipelines.monitoring.policy`.
"""
