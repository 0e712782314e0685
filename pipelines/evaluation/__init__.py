"""What a model is worth on rows it has never seen, measured and shown.

Belongs here: metrics with intervals, slices, importance, their plots, the report of a version.
Does not belong here: whether that is good enough, which is for `pipelines/gates/`.
"""
