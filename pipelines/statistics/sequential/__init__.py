"""Tests that may be looked at as often as one likes: e-processes, all in logarithms.

An e-process starts at 1 and, while its null hypothesis is true, is never expected to grow. By
Ville's inequality (Ville 1939) the chance that it ever reaches 1/alpha is then at most alpha, at
whichever look one stops and for whatever reason; Ramdas, Gruenwald, Vovk and Shafer (2023, "Game-
theoretic statistics and safe anytime-valid inference") tell the theory. Means over processes are
processes again, which is how a test covers alternatives whose size is not known.

Belongs here: pure functions from counts to the logarithm of an e-process, with the state as plain
arrays that can be stored and taken up again.
Does not belong here: which events are counted, thresholds, and what follows from a crossing;
those are decided in `pipelines.rollout`.
"""
