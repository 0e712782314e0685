"""Judge rows against rules: those that always hold, and those of `expectations.yaml`.

Belongs here: rules, their outcomes, which rows are taken out, and the page that shows it all.
Does not belong here: mending data. A bad row is kept apart with its reasons, never altered.

`expectations.py` is the only module that imports Great Expectations.
"""
