"""`evergreen`: thin verbs over flows and pipelines, a file for each kind.

Belongs here: arguments, options, and what becomes of an error. Does not belong here: what a verb
does (that is a function of `flows`) and what it prints (`flows/views`).
"""

from __future__ import annotations

import sys
import traceback

from flows.cli import (
    alerts,
    cleaning,
    demo,
    drill,
    identity,
    looking,
    monitoring,
    replaying,
    rollout,
    scoring,
    serving,
    stack,
    training,
)
from flows.cli.app import app
from pipelines.errors import EXIT_BAD_INPUT, EXIT_UNKNOWN, EvergreenError

__all__ = [
    "alerts",
    "app",
    "cleaning",
    "demo",
    "drill",
    "identity",
    "looking",
    "main",
    "monitoring",
    "replaying",
    "rollout",
    "scoring",
    "serving",
    "stack",
    "training",
]

# What shells call a process that Ctrl-C ended.
_INTERRUPTED = 130


def main() -> None:
    """The console script: errors become one readable message and an exit code."""
    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print("interrupted; what was finished is kept", file=sys.stderr)
        raise
    except EvergreenError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        print(
            f"error: {error}\n  next step: check that the file named exists, may be used, and "
            "that the disk has space; finished stages are kept",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_BAD_INPUT) from None
    except Exception:  # noqa: BLE001
        # Python would end with 1, and 1 means that a verdict said no.
        traceback.print_exc()
        print("error: a fault of Evergreen itself; please report it", file=sys.stderr)
        raise SystemExit(EXIT_UNKNOWN) from None
