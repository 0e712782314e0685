"""The search for hyperparameters: suggesting, pruning, running trials in parallel, resuming.

Belongs here: everything about *searching*. Does not belong here: what is searched (a family's
`space()`), and which rows are used (the tune stage).

A search is reproducible although its trials run in parallel: what trial k tries depends on the
seed, on k, and on the finished trials up to k minus a fixed lag, never on which worker was
faster. So only finished trials are stored, and a killed search goes on as if nothing happened.
"""
