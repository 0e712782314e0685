"""A Prefect server that is killed now and then, and started again as Supervisor would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from pipelines.ports import free_port
from tests.orchestration import end_group
from tests.waiting import until

_START_SECONDS = 120


class Server:
    """Keeps its address and its database over every kill."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.api = f"http://127.0.0.1:{self._port}/api"
        self._process = self._start()
        # When somebody last noticed that it does not answer.
        self.last_away = time.monotonic()

    def kill(self) -> None:
        """SIGKILL, and at once a new one, which takes its time."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = self._start()
        self.last_away = time.monotonic()

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api}/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            self.last_away = time.monotonic()
            return False

    def wait(self) -> None:
        until(self.is_up, seconds=_START_SECONDS)

    def end(self) -> None:
        end_group(self._process)

    def _start(self) -> subprocess.Popen[bytes]:
        self._folder.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "PREFECT_HOME": str(self._folder),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        command = [sys.executable, "-m", "flows.prefect_service", "server", "start", "--no-ui"]
        with (self._folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self._port)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
