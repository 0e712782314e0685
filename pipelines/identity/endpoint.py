"""The token endpoint as an ASGI application, for those without a provider of their own.

It listens on loopback without TLS: the gateway is the one door to the outside, and TLS ends there.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.errors import EvergreenError
from pipelines.identity import clients
from pipelines.identity.authentication import Authentication, TooManyGuessesError
from pipelines.identity.authorization import METHODS, Authorization, TokenRequest
from pipelines.identity.clients import Client
from pipelines.identity.keys import Ring
from pipelines.identity.tokens import GRANT, Terms, Tokens, issue
from pipelines.jwks import ALGORITHM

MOST_BODY_BYTES = 8192
# A key is dropped this long after it stopped to be of use, and a new one is this late at most.
UPKEEP_SECONDS = 5.0
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


@dataclass(frozen=True)
class Endpoint:
    """What the application is made of.

    Attributes:
        authentication: knows the clients.
        terms: what tokens say.
        ring: the keys of this moment.
        public_url: where clients reach the gateway, without a slash at its end.
        upkeep: renews keys, certificates and files; called every `UPKEEP_SECONDS`.
        takes_api_keys: whether the gateway may ask about API keys.
        clock: gives unix seconds.
    """

    authentication: Authentication
    terms: Terms
    ring: Callable[[], Ring]
    public_url: str
    upkeep: Callable[[], None]
    takes_api_keys: bool = False
    clock: Callable[[], float] = time.time


def application(endpoint: Endpoint) -> Starlette:
    """The application, to be run by an ASGI server."""
    tokens = Tokens(endpoint.terms, endpoint.ring, endpoint.clock)
    doors = _Doors(endpoint, tokens)
    routes = [
        Route("/token", doors.token, methods=["POST"]),
        Route("/jwks.json", doors.jwks),
        Route("/.well-known/oauth-authorization-server", doors.metadata),
        Route("/.well-known/openid-configuration", doors.metadata),
        Route("/livez", doors.live),
        Route("/readyz", doors.ready),
    ]
    if endpoint.takes_api_keys:
        # The gateway asks with the method and below the path of the request that it is about.
        every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        routes.append(Route("/api-key/{path:path}", doors.api_key, methods=every))
    return Starlette(
        routes=routes, lifespan=doors.lifespan, exception_handlers={EvergreenError: _unavailable}
    )


@dataclass(frozen=True)
class _Cached:
    """The token of an API key: the same for a while, so gateway and server verify it once."""

    token: str
    kid: str
    until: float


class _Doors:
    def __init__(self, endpoint: Endpoint, tokens: Tokens) -> None:
        self._endpoint = endpoint
        self._tokens = tokens
        self._authorization = Authorization(endpoint.authentication, tokens)
        self._problem: str | None = None
        self._of_keys: dict[Client, _Cached] = {}

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        upkeep = asyncio.create_task(self._keep_up())
        yield
        upkeep.cancel()

    async def _keep_up(self) -> None:
        while True:
            try:
                await run_in_threadpool(self._endpoint.upkeep)
                self._problem = None
            except EvergreenError as error:
                # Tokens go on with the keys there are; /readyz tells whoever watches.
                self._problem = str(error)
            await asyncio.sleep(UPKEEP_SECONDS)

    async def token(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return _refusal("invalid_request", "the body is too large", 413)
        try:
            fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=16)
        except ValueError:
            return _refusal("invalid_request", "the body is not a form", 400)
        if len(dict(fields)) < len(fields):
            return _refusal("invalid_request", "a field is given twice", 400)
        asked = TokenRequest(dict(fields), _headers(request), _peer(request))
        try:
            answer = await run_in_threadpool(self._authorization.answer, asked)
        except TooManyGuessesError as error:
            return _slow_down(error)
        status, content, headers = answer
        return JSONResponse(content, status, dict(headers))

    async def api_key(self, request: Request) -> Response:
        """Tell the gateway the token that stands for an API key; it sends that on."""
        parts = clients.parts_of(request.headers.get("x-api-key", ""))
        if parts is None:
            return _refusal("invalid_client", "not an API key", 401)
        try:
            token = await run_in_threadpool(self._token_of, *parts, _peer(request))
        except TooManyGuessesError as error:
            return _slow_down(error)
        if token is None:
            return _refusal("invalid_client", "the API key is wrong", 401)
        return Response(headers={"authorization": f"Bearer {token}", **_NO_STORE})

    def _token_of(self, client_id: str, secret: str, peer: str) -> str | None:
        found = self._endpoint.authentication.client(client_id, secret, peer)
        if found is None or not found.has_api_key:
            return None
        now, kid = self._endpoint.clock(), self._endpoint.ring().signing(self._endpoint.clock()).kid
        known = self._of_keys.get(found)
        if known is None or known.kid != kid or now >= known.until:
            answer = issue(self._tokens, found, None, now)
            known = _Cached(answer["access_token"], kid, now + answer["expires_in"] / 2)
            fresh = {client: kept for client, kept in self._of_keys.items() if kept.until > now}
            self._of_keys = {**fresh, found: known}
        return known.token

    async def jwks(self, _request: Request) -> Response:
        keys = await run_in_threadpool(self._endpoint.ring)
        return JSONResponse(keys.jwks(), headers={"cache-control": "public, max-age=5"})

    async def metadata(self, _request: Request) -> Response:
        return JSONResponse(metadata(self._endpoint.terms.issuer, self._endpoint.public_url))

    async def live(self, _request: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, _request: Request) -> Response:
        if self._problem is not None:
            return JSONResponse({"ready": False, "problem": self._problem}, 503)
        return JSONResponse({"ready": True})


def metadata(issuer: str, public_url: str) -> dict[str, Any]:
    """What a client has to know (RFC 8414)."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{public_url}/token",
        "jwks_uri": f"{public_url}/jwks.json",
        "grant_types_supported": [GRANT],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
    }


async def _body(request: Request) -> bytes | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            return None
    return body


def _headers(request: Request) -> dict[str, str]:
    # Authlib looks for `Authorization` by this spelling.
    given = request.headers.get("authorization")
    return {} if given is None else {"Authorization": given}


def _peer(request: Request) -> str:
    """Who asks: behind the gateway it is the address that the gateway has put last."""
    through = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return through[:80] or (request.client.host if request.client else "unknown")


def _slow_down(error: TooManyGuessesError) -> Response:
    refusal = _refusal("slow_down", f"{error.problem}: {error.next_step}", 429)
    refusal.headers["retry-after"] = str(error.wait_seconds)
    return refusal


async def _unavailable(_request: Request, error: Exception) -> Response:
    """Neither yes nor no: the keys or the state store cannot be read."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    return _refusal("temporarily_unavailable", "keys or clients cannot be read", 503)


def _refusal(code: str, description: str, status: int) -> Response:
    content = {"error": code, "error_description": description}
    return JSONResponse(content, status, _NO_STORE)
