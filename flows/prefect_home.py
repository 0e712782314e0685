"""Where Prefect keeps its state, set before Prefect is imported.

Prefect reads its settings once, at import. Everything that imports a flow goes through
`configure` first, so that the user's own Prefect profile is neither used nor touched.
"""

from __future__ import annotations

import logging
import os

from pipelines.errors import EvergreenError
from pipelines.paths import HomePaths


def configure(home: HomePaths) -> None:
    """Point Prefect at `home`, unless the environment names a server already."""
    home.prefect.mkdir(parents=True, exist_ok=True)
    for key, value in {
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        # The ephemeral server takes 15 to 45 seconds on two cores; the default gives it 20.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }.items():
        os.environ.setdefault(key, value)


def quiet_known_errors() -> None:
    """Leave out the traceback of an error that already says what to do; keep all others."""
    import prefect.logging.configuration

    prefect.logging.configuration.setup_logging()
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers or logging.getLogger("prefect").handlers:
            handler.addFilter(_without_known_tracebacks)


def _without_known_tracebacks(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, EvergreenError):
        record.exc_info, record.exc_text = None, None
        record.msg, record.args = f"{type(error).__name__}: {error.problem}", ()
    return True
