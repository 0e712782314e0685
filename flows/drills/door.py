"""What a client has to know: where to ask, whom to trust, who it is, and what to ask."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx

from pipelines.errors import GatewayError

# A token is fetched again when it has less than this to live.
_EARLY_SECONDS = 60.0


class Row(NamedTuple):
    """A row to ask about, as the body of a request, and what was true of it."""

    body: bytes
    label: str


@dataclass(frozen=True)
class Door:
    """The way in.

    Attributes:
        address: of the gateway.
        authority: the file of the certificate that it is trusted by.
        model: what is asked.
        rows: what it is asked about, again and again.
    """

    address: str
    authority: Path
    model: str
    rows: Sequence[Row]


@dataclass
class Subject:
    """A client of the token endpoint, and the token that it has just now."""

    id: str
    secret: str
    scope: str
    _token: str = ""
    _ends: float = field(default=0.0)

    async def headers(self, http: httpx.AsyncClient) -> dict[str, str]:
        """What it says who it is with.

        Raises:
            GatewayError: it gets no token.
        """
        if time.monotonic() > self._ends - _EARLY_SECONDS:
            await self._fetch(http)
        return {"authorization": f"Bearer {self._token}", "content-type": "application/json"}

    async def _fetch(self, http: httpx.AsyncClient) -> None:
        form = {"grant_type": "client_credentials", "scope": self.scope}
        try:
            answer = await http.post("/token", data=form, auth=(self.id, self.secret))
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise GatewayError(
                f"{self.id} gets no token: {error!r}",
                where="/token",
                next_step="look at the log of the token endpoint in the clone",
            ) from error
        given = json.loads(answer.content)
        self._token, self._ends = given["access_token"], time.monotonic() + given["expires_in"]
