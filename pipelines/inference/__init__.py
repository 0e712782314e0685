"""From rows to a model's answers: the feature code that training, scoring and serving share.

Belongs here: encoding rows into tensors, and opening a model folder. `cells`, `encode` and
`session` go into every bento, so they import neither pandas nor Arrow; `columns` is for callers
that have Arrow. Does not belong here: HTTP (`serving/`), files (`scoring/`).
"""
