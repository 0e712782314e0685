"""A client of the gateway that asks and tells, and waits for a server that is away."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from pipelines.errors import RequestError, StressError
from pipelines.replaying.schedule import Request

# A version is replaced, a gateway started again: that takes a while, and is no end of a replay.
PATIENCE_SECONDS = 120.0
_WAIT_SECONDS = 1.0
_REQUEST_SECONDS = 30.0
# Real rows are dirty, and a server that says so of some is as it should be.
_UNFIT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_TEMPORARY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED})


class Client:
    """One connection to `{url}/predict` and `{url}/feedback`."""

    def __init__(self, url: str, token: Callable[[], str | None], authority: Path | None) -> None:
        """Open it.

        Args:
            url: of a model, as https://127.0.0.1:8443/flights.
            token: gives one that is valid now, or None where none is asked for.
            authority: who vouches for the gateway's certificate; None for those that all trust.
        """
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
        self._url, self._token = url.rstrip("/"), token
        # Nothing of the environment: a proxy named there is not between a machine and itself.
        self._client = httpx.Client(verify=context, timeout=_REQUEST_SECONDS, trust_env=False)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def ask(self, request: Request) -> bool:
        """Ask for the rows of a request; whether they were answered, or refused for what they say.

        Raises:
            RequestError: this client, or this model, is refused altogether.
            StressError: nobody answered for two minutes.
        """
        # A session each: of one subject all requests would go to the same version.
        headers = {"x-request-id": request.id, "x-session-id": request.id}
        try:
            self._post("predict", {"rows": list(request.rows)}, headers)
        except RequestError as error:
            if error.status not in _UNFIT:
                raise
            return False
        return True

    def tell(self, request: Request) -> None:
        """Tell what was true of the rows of a request; raises as `ask` does."""
        labels = [
            {"request_id": request.id, "row": row, "label": label}
            for row, label in enumerate(request.labels)
            if label is not None
        ]
        self._post("feedback", {"labels": labels}, {})

    def _post(self, door: str, content: dict[str, Any], headers: dict[str, str]) -> None:
        url, deadline = f"{self._url}/{door}", time.monotonic() + PATIENCE_SECONDS
        while (problem := self._try(url, content, headers)) is not None:
            if time.monotonic() > deadline:
                raise StressError(
                    f"no answer for {PATIENCE_SECONDS:g} s: {problem}",
                    where=url,
                    next_step="see `evergreen status`; the same command goes on from here",
                )
            time.sleep(_WAIT_SECONDS)

    def _try(self, url: str, content: dict[str, Any], headers: dict[str, str]) -> str | None:
        """Post once; why it is to be tried again, or None."""
        token = self._token()
        sent = {**headers, **({"authorization": f"Bearer {token}"} if token else {})}
        try:
            answer = self._client.post(url, json=content, headers=sent)
        except httpx.TransportError as error:
            return str(error) or type(error).__name__
        if answer.is_success:
            return None
        said = f"{answer.status_code}: {answer.text[:500]}"
        if answer.is_server_error or answer.status_code in _TEMPORARY:
            return said
        raise RequestError(
            f"refused with {said}",
            where=url,
            next_step="is it the model whose data is replayed, and may the client ask it?",
            status=answer.status_code,
        )
