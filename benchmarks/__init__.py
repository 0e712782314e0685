"""What `make bench` measures: one file a question, each printing both sides of its comparison.

Belongs here: measurements that a person reads. Does not belong here: anything that passes or
fails; machines are too noisy for a timed test.
"""
