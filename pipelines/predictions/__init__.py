"""What a model server answered, and what turned out to be true: append-only logs of both.

Belongs here: writing them from a server without slowing it, keeping them through kills and full
disks, and reading them back. A writer appends whole Arrow batches to a stream file of its own;
a stream file that is finished, or whose writer died, becomes one Parquet file of the same rows.
The package goes into every bento and brings Arrow along, so it imports no pandas and no DuckDB.
Does not belong here: what the logs say about a model (that is monitoring), HTTP (`serving/`).
"""
