"""Measures of a binary classifier and how sure one can be of them.

Belongs here: pure functions from numpy arrays to numbers, each with its source. One idea a file.
Does not belong here: thresholds, verdicts, files, pandas, scikit-learn. What a number means for
a promotion is decided in `pipelines.gates`.
"""
