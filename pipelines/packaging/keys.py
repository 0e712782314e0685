"""The key that identifiers in the prediction log are hashed with."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pipelines.paths import HomePaths


def log_key(home: HomePaths) -> Path:
    """The file with the key of this home, made the first time.

    Whoever has the key can tell whose row a digest is; without the old one, digests of before and
    after do not compare. So it is made once, and readable by its owner only.
    """
    path = home.keys / "prediction-log.key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)  # unlike a rename, never over somebody else's
        except FileExistsError:
            pass  # another process was first: its key is the key
        finally:
            draft.unlink()
    return path
