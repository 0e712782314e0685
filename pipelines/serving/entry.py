"""Where BentoML enters a bento: in the process that starts the workers, and in each of them.

Only here is the log of a whole process configured, for the process is a server's: whoever merely
imports the service, a test perhaps, keeps their own.
"""

from __future__ import annotations

from pipelines.serving import logs

logs.configure()

from pipelines.serving.service import Evergreen  # noqa: E402 (its imports may log, and warn)

__all__ = ["Evergreen"]
