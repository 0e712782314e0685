"""Making room on this machine: what nothing needs any more goes, with its reason.

Belongs here: what there is (`finding.py`), what is needed (`needs.py`), what follows from the two
(`planning.py`, pure), and the removal (`removing.py`). Does not belong here: the DVC cache, which
`dvc gc` knows how to keep small, and tags, because a version is for ever.
"""
