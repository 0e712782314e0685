"""`python -m pipelines.gateway.start FOLDER`: become Envoy, on files that are known to be good.

An Envoy that starts on a damaged file answers every request with 404 and says that it is ready, so
the files are looked at first. That costs no validation: their digests say that they were valid.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipelines.errors import EvergreenError, GatewayError
from pipelines.gateway import access_log, dynamic
from pipelines.gateway.binary import envoy
from pipelines.gateway.names import BOOTSTRAP_FILE
from pipelines.gateway.preflight import FLAGS

# What is being answered may end; `evergreen down` drains before that.
_DRAIN_SECONDS = "5"


def command(folder: Path) -> list[str]:
    """Make sure of the files, and say how Envoy is started on them.

    Raises:
        GatewayError: nothing in the folder can be started with.
    """
    if not (folder / BOOTSTRAP_FILE).is_file():
        raise _unusable(folder, "the gateway is not prepared")
    if dynamic.read_all(folder) is None:
        if not dynamic.restore_last_good(folder):
            raise _unusable(folder, "neither the routes nor the last good ones are whole")
        print(f"{folder}: damaged routes were replaced by the last good ones", file=sys.stderr)
    access_log.mend(folder)
    return [
        *(str(envoy()), "-c", str(folder / BOOTSTRAP_FILE), *FLAGS),
        *("--file-flush-interval-msec", str(access_log.FLUSH_MILLISECONDS)),
        *("--drain-time-s", _DRAIN_SECONDS, "--drain-strategy", "immediate"),
        *("--log-level", "warning"),
    ]


def _unusable(folder: Path, problem: str) -> GatewayError:
    return GatewayError(problem, where=str(folder), next_step="run `evergreen up`")


def main(arguments: list[str]) -> int:
    """Replace this process by Envoy; returns only if that is impossible."""
    try:
        argv = command(Path(arguments[0]))
        os.execv(argv[0], argv)  # noqa: S606
    except EvergreenError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
