"""A Prefect worker and what it starts, killed now and then, alone or with its flows."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from flows import prefect_programs
from tests.throwaway import Project


class Worker:
    """Starts what the automations of a project ask for, until it is killed; then a new one does.

    Args:
        project: its deployments are registered.
        api: of the server, which answers.
        log: where it writes.
    """

    def __init__(self, project: Project, api: str, log: Path) -> None:
        self._project, self._log = project, log
        prefect_programs.deploy(project.root, project.home, api)
        self._program = prefect_programs.worker(project.root, project.home, api)
        # Flows whose worker was killed alone: they go on, and nobody waits for them.
        self._orphans: list[psutil.Process] = []
        self._process = self._start()

    def kill(self, *, is_tree: bool) -> int:
        """SIGKILL, and at once a new one; how many flows it had."""
        flows = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        if is_tree:
            _kill(flows)
        else:
            self._orphans += flows
        self._process = self._start()
        return len(flows)

    def end(self) -> None:
        """The worker and all that it ever started."""
        with suppress(psutil.NoSuchProcess):
            self._orphans += psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        for flow in list(self._orphans):
            with suppress(psutil.NoSuchProcess):
                self._orphans += flow.children(recursive=True)
        _kill(self._orphans)

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._program.argv,
                cwd=self._project.root,
                env={**self._project.environment, **self._program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=30)
