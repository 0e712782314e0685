"""Where Prefect keeps its state, set before Prefect is imported.

Prefect reads its settings once, at import. Everything that imports a flow goes through
`configure` first, so that the user's own Prefect profile is neither used nor touched.
"""

from __future__ import annotations

import logging
import os
import urllib.error
import urllib.request

from pipelines.errors import EvergreenError, SettingsError
from pipelines.paths import HomePaths

_ANSWER_SECONDS = 10
# No library that a process of ours loads phones home.
SILENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "BENTOML_DO_NOT_TRACK": "True",
}


def configure(home: HomePaths) -> None:
    """Point Prefect at `home`, unless the environment names a server already."""
    home.prefect.mkdir(parents=True, exist_ok=True)
    for key, value in {
        "PREFECT_HOME": str(home.prefect),
        **SILENT,
        # The ephemeral server takes 15 to 45 seconds on two cores; the default gives it 20.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }.items():
        os.environ.setdefault(key, value)


def require_server() -> None:
    """Refuse early when the environment names a Prefect server that does not answer.

    Raises:
        SettingsError: it does not; names the address.
    """
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=_ANSWER_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError:
        # It answers; whether it lets us in is for Prefect to find out.
        return
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"the Prefect server {url} does not answer: {error}",
            where="PREFECT_API_URL",
            next_step="start it, or unset PREFECT_API_URL: a server of its own then starts for "
            "this one command",
        ) from error


def quiet_known_errors() -> None:
    """Leave out the traceback of an error that already says what to do; keep all others."""
    import prefect.logging.configuration

    prefect.logging.configuration.setup_logging()
    # Prefect puts the console on the root, and the API's own beside each kind of run.
    for name in (None, "prefect", "prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            if _is_calm not in handler.filters:
                handler.addFilter(_is_calm)


def _is_calm(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, EvergreenError):
        record.exc_info, record.exc_text = None, None
        record.msg, record.args = f"{type(error).__name__}: {error.problem}", ()
    message = record.getMessage()
    if message.startswith("Finished in state Failed("):
        # The line before it has said why, and the command ends with it once more.
        record.msg, record.args = "Finished in state Failed()", ()
    # A stage that waits for one that failed says nothing by not being ready.
    return not message.startswith("Finished in state NotReady(")
