"""Where Prefect keeps its state, set before Prefect is imported.

Prefect reads its settings once, at import. Everything that imports a flow goes through
`configure` first, so that the user's own Prefect profile is neither used nor touched.
"""

from __future__ import annotations

import os

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
