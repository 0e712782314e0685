"""From rows to a model's answers: the feature code that training, scoring and serving share.

Belongs here: encoding rows into tensors, and opening a model folder. All but `columns`, which is
for callers that have Arrow, goes into every bento and so imports neither pandas nor Arrow.
Does not belong here: HTTP (`serving/`), files (`scoring/`).
"""
