"""Whether a challenger may replace the champion: values in, verdict out.

Belongs here: one file per test, and `judge`, which asks them all. Everything is pure: the same
evidence and the same seed give the same verdict, to the last digit.
Does not belong here: reading files, running models, pandas, the formulas themselves (those are
in `pipelines.statistics`), or acting on a verdict.
"""
