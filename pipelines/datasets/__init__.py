"""Where rows come from: one file per dataset, and `sources`, which opens what a URL names.

Belongs here: reading a source, naming its columns, cutting it into months. Does not belong here:
judging whether the rows are good (`pipelines.validation`) or who trains on which (`split`).
"""
