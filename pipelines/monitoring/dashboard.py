"""`python -m pipelines.monitoring.dashboard WORKSPACE PORT`: Evidently's interface on loopback.

It watches its folder to show what others write there, and stops doing so for good when it finds a
project whose file is still being written: from then on it shows an old picture, without a word.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from json import JSONDecodeError
from typing import Any


def mend_refreshing() -> None:
    """Have it wait for the rest of a file: it is told once more when that is whole."""
    from evidently.ui.service.storage.local.watcher import WorkspaceDirHandler

    noticed = WorkspaceDirHandler.on_project_event

    def on_project_event(watcher: Any, event: Any) -> None:
        with suppress(JSONDecodeError):
            noticed(watcher, event)
        for project in watcher.state.projects:
            watcher.state.snapshots.setdefault(project, {})

    WorkspaceDirHandler.on_project_event = on_project_event


def main(workspace: str, port: int) -> None:
    """Serve until this process is ended."""
    # Evidently looks at it when it is imported, and would report what is done with it.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from evidently.ui.service.app import get_config, run

    mend_refreshing()
    run(get_config(host="127.0.0.1", port=port, workspace=workspace))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
