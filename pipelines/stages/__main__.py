"""`python -m pipelines.stages STAGE MODEL`: what dvc.yaml runs."""

from __future__ import annotations

import errno
import sys
import traceback
from importlib import import_module
from pathlib import Path

from pipelines import settings
from pipelines.errors import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_UNKNOWN,
    EvergreenError,
    SettingsError,
)
from pipelines.orphans import end_with_parent
from pipelines.paths import ModelPaths
from pipelines.registry import STAGES


def main(arguments: list[str]) -> int:
    """Run one stage in the current folder.

    Returns:
        0, the exit code of the error, or 3 for a fault that nobody foresaw: Python's own 1
        would read as a verdict that said no.
    """
    end_with_parent()
    try:
        if len(arguments) != 2 or arguments[0] not in STAGES:
            raise SettingsError(
                f"cannot run {' '.join(arguments) or 'nothing'!r}; "
                f"allowed stages: {', '.join(STAGES)}",
                where="python -m pipelines.stages",
                next_step="use `python -m pipelines.stages STAGE MODEL`",
            )
        stage, model = arguments
        root = Path.cwd()
        import_module(f"pipelines.stages.{stage}").run(
            ModelPaths(root, model), settings.load(root).model(model)
        )
    except EvergreenError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {error}\n  next step: {_advice(error)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except Exception:  # noqa: BLE001 (shown in full, and ends the stage)
        traceback.print_exc()
        return EXIT_UNKNOWN
    return EXIT_DONE


def _advice(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "free some disk space and run the same command again; finished stages are kept"
    return "check that the file named exists and may be read and written"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
