"""Open what a URL names: local files, remote files, or the result of an SQL query.

    data/sales/*.csv                     files below the current folder, which is the project root
    /srv/drop/2024-*.parquet             an absolute path; file:///srv/drop/... is the same
    s3://bucket/prefix/*.parquet         any of `location.REMOTE`, read through fsspec
    sqlite:///shop.db?table=orders       any database that SQLAlchemy has a driver for
    postgresql://host/shop?query=SELECT  everything after `query=` is the query, taken as it is

Files are CSV (`.csv`, `.csv.gz`, `.csv.zip`, `.zip`) or Parquet (`.parquet`, `.pq`). A pattern
takes `*`, `?`, `[...]` and `**`; its files are read in the order of their names, and must agree
on columns. Credentials and endpoints come from the environment, as fsspec and the database driver
take them (AWS_ENDPOINT_URL, AWS_PROFILE, PGPASSWORD, ...); a password in a URL works too, and is
left out of fingerprints and messages.

Belongs here: finding, fetching, decoding. Does not belong here: what a column means.
"""

from pipelines.datasets.sources.files import read_file
from pipelines.datasets.sources.location import redact
from pipelines.datasets.sources.reading import fingerprint, read

__all__ = ["fingerprint", "read", "read_file", "redact"]
