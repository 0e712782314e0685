"""What a run is to do. Written as a file, because another process does it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.errors import StressError

# A client of the field gives up by then, and so does the server by default.
TIMEOUT_SECONDS = 10.0
# Not judged: connections are opened, and a fresh server runs its code for the first time.
WARM_UP_SECONDS = 2.0
MOST_REQUESTS = 5_000_000


@dataclass(frozen=True)
class Plan:
    """One run against one server.

    Attributes:
        url: scheme, host and port.
        door: a name of `DOORS`.
        path: where requests are posted; for gRPC the method that is called.
        version: what must answer, for example `v3`; any other version's answer is an error.
        rate: arrivals a second, evenly spaced, whatever the server does.
        seconds: how long they go on, after the warm-up.
        users: connections, and so the most requests in flight.
        bodies: a request body for each row; they are sent in turn.
        expected: what training code answered to each of these rows.
    """

    url: str
    door: str
    path: str
    version: str
    rate: float
    seconds: float
    users: int
    bodies: tuple[bytes, ...]
    expected: tuple[tuple[float, ...], ...]
    warm_up_seconds: float = WARM_UP_SECONDS
    timeout_seconds: float = TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        if not self.bodies:
            raise StressError(
                "no rows to send", where=self.url, next_step="train the model again: no golden rows"
            )
        if self.arrivals > MOST_REQUESTS:
            raise StressError(
                f"{self.arrivals:,} requests; at most {MOST_REQUESTS:,} are kept in memory",
                where="--rate and --seconds",
                next_step="ask for less of one of them, or for several runs",
            )

    @property
    def arrivals(self) -> int:
        """How many requests arrive in all, the warm-up included."""
        return max(1, round(self.rate * (self.warm_up_seconds + self.seconds)))

    def due(self, number: int) -> float:
        """When request `number` arrives, in seconds; those before 0 warm up."""
        return number / self.rate - self.warm_up_seconds

    def write(self, path: Path) -> None:
        bodies = [b64encode(body).decode() for body in self.bodies]
        path.write_text(json.dumps(asdict(self) | {"bodies": bodies}), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Plan:
        value = json.loads(path.read_text(encoding="utf-8"))
        value["bodies"] = tuple(map(b64decode, value["bodies"]))
        value["expected"] = tuple(tuple(row) for row in value["expected"])
        return cls(**value)
