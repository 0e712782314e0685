"""Where the files of a fleet are, named once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import FleetError
from pipelines.paths import HomePaths

# The kernel takes 104 bytes (macOS) or 108 (Linux); Supervisor appends a dot and a pid on the way.
LONGEST_SOCKET = 92


@dataclass(frozen=True)
class Layout:
    """The files of one fleet.

    Attributes:
        folder: readable by its owner only.
        logs: of Supervisor and of every program.
    """

    folder: Path
    logs: Path

    @classmethod
    def of(cls, home: HomePaths) -> Layout:
        return cls(home.fleet, home.logs)

    @property
    def configuration(self) -> Path:
        """Supervisor's, rendered from the programs; `supervisorctl -c` takes it as well."""
        return self.folder / "supervisord.conf"

    @property
    def run(self) -> Path:
        """Which start of Supervisor the processes of this fleet should be of."""
        return self.folder / "run"

    @property
    def pid(self) -> Path:
        return self.folder / "supervisord.pid"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or ends processes."""
        return self.folder / "fleet.lock"

    @property
    def ports(self) -> Path:
        return self.folder / "ports.json"

    @property
    def supervisor_log(self) -> Path:
        return self.logs / "supervisord.log"

    @property
    def programs(self) -> Path:
        """What each program is, a file each."""
        return self.folder / "programs"

    def program(self, name: str) -> Path:
        """What a program is."""
        return self.programs / f"{name}.json"

    def log(self, program: str) -> Path:
        """All that a program prints."""
        return self.logs / f"{program}.log"

    @property
    def socket(self) -> Path:
        """Supervisor's door; elsewhere than in `folder` if its path would be too long there."""
        path = self.folder / "supervisor.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET:
            return path
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        name = f"evergreen-{os.getuid()}-{digest}"
        return Path(tempfile.gettempdir()) / name / "supervisor.sock"


def make(layout: Layout) -> None:
    """Make the folders, closed to others.

    Raises:
        FleetError: the folder of the socket belongs to somebody else.
    """
    layout.logs.mkdir(parents=True, exist_ok=True)
    for folder in (layout.folder, layout.socket.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid != os.getuid():
            raise FleetError(
                "belongs to another user, who could take Supervisor's place",
                where=str(folder),
                next_step="remove it, or set EVERGREEN_HOME to a shorter path",
            )
        folder.chmod(0o700)
