"""The server asks for the token once more, behind a gateway that has asked already.

Whoever reaches a model server past the gateway (another process of the machine, a wrong network
rule) gets nothing without a token either. A token is verified once and remembered until it
expires, so a request costs a look into a dictionary.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pipelines import jwks
from pipelines.errors import IdentityError, RequestError
from pipelines.serving import places
from pipelines.serving.context import MODEL_VERSION
from pipelines.serving.problems import refused

AUTHORIZATION = b"authorization"
TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
CLOCK_SKEW_SECONDS = 10
MOST_TOKEN_BYTES = 4096
_REMEMBERED = 2048
# How often the file is looked at: a key that was taken back is refused so much later at most.
_LOOK_SECONDS = 1.0
# Probes and scrapes come from the machine or the cluster, and have no token.
OPEN_PATHS = frozenset(
    {"/livez", "/readyz", "/healthz", "/metrics", "/v2/health/live", "/v2/health/ready"}
)
OPEN_CALLS = frozenset({"ServerLive", "ServerReady"})
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Verified:
    scopes: frozenset[str]
    expires: float


def _is_probe(path: str) -> bool:
    """Whether a path asks if a model or version is ready, and for nothing else of it."""
    parts = path.split("/")
    return parts[:3] == ["", "v2", "models"] and parts[-1] == "ready" and len(parts) in (5, 7)


class Verifier:
    """Lets requests in by their token.

    Args:
        model: whose server this is; its scope is `predict:MODEL`.
        path: the public keys, as a JWKS file; it may be replaced at any time.
        issuer, audience: what a token has to say.
        clock: gives unix seconds.

    Raises:
        IdentityError: the keys cannot be read.
    """

    def __init__(
        self,
        model: str,
        path: Path,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._path = path
        self._clock = clock
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._known: dict[bytes, _Verified] = {}
        self._seen: object = None
        self._looked = -_LOOK_SECONDS
        self._keys = self._read()

    @classmethod
    def of_environment(
        cls, model: str, environment: Mapping[str, str] = os.environ
    ) -> Verifier | None:
        """As EVERGREEN_JWKS, EVERGREEN_ISSUER and EVERGREEN_AUDIENCE say; None without the first.

        Raises:
            IdentityError: only some of them are set, or the keys cannot be read.
        """
        path = environment.get(places.JWKS)
        if not path:
            return None
        missing = [name for name in (places.ISSUER, places.AUDIENCE) if not environment.get(name)]
        if missing:
            raise IdentityError(
                f"{' and '.join(missing)} not set, so nobody could tell whose tokens are meant",
                where=places.JWKS,
                next_step="set all three, or none for a server that asks nobody",
            )
        issuer, audience = environment[places.ISSUER], environment[places.AUDIENCE]
        return cls(model, Path(path), issuer, audience)

    def require(self, path: str, headers: Headers) -> None:
        """Let an HTTP request in.

        Raises:
            RequestError: 401 without a good token, 403 if that is not for this, 503 if the keys
                cannot be read.
        """
        if path in OPEN_PATHS or _is_probe(path):
            return
        if path == "/feedback":
            self._require(headers, ("feedback",))
        elif path in {"/predict", "/v2"} or path.startswith("/v2/"):
            self._require_predict(headers)
        else:
            self._verified(headers)

    def require_call(self, method: str, headers: Headers) -> None:
        """Let a call of the inference protocol in; raises as `require` does."""
        if method not in OPEN_CALLS:
            self._require_predict(headers)

    def _require_predict(self, headers: Headers) -> None:
        self._require(headers, (f"predict:{self._model}", "predict:*"))

    def _require(self, headers: Headers, scopes: tuple[str, ...]) -> None:
        held = self._verified(headers)
        if held.isdisjoint(scopes):
            raise _forbidden(scopes[0])
        if "debug" not in held and any(name == MODEL_VERSION for name, _ in headers):
            raise _forbidden("debug")

    def _verified(self, headers: Headers) -> frozenset[str]:
        """The scopes of the request's token."""
        self._look()
        token = _token(headers)
        known = self._known.get(token)
        now = self._clock()
        if known is None:
            known = self._verify(token)
            if len(self._known) >= _REMEMBERED:
                self._known = {key: kept for key, kept in self._known.items() if kept.expires > now}
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        elif now > known.expires + CLOCK_SKEW_SECONDS:
            del self._known[token]
            raise _unauthorized("the token has expired")
        return known.scopes

    def _verify(self, token: bytes) -> _Verified:
        try:
            decoded = jwt.decode(token, self._keys, algorithms=list(jwks.ALGORITHMS))
            if decoded.header.get("typ") not in TOKEN_TYPES:
                raise _unauthorized("not an access token")
            self._claims.validate(decoded.claims)
            return _Verified(_scopes(decoded.claims.get("scope")), decoded.claims["exp"])
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            # A library's own words may repeat what was sent; the kind of fault is enough.
            raise _unauthorized(f"the token is not good ({type(error).__name__})") from None

    def _look(self) -> None:
        """Read the keys again if the file was replaced."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        try:
            stat = self._path.stat()
            if (stat.st_mtime_ns, stat.st_ino) != self._seen:
                self._keys = self._read()
        except (OSError, IdentityError) as error:
            problem = error.problem if isinstance(error, IdentityError) else str(error.strerror)
            raise refused(
                f"the keys that tokens are verified by cannot be read: {problem}",
                "server",
                f"mend {places.JWKS} of the server",
                HTTPStatus.SERVICE_UNAVAILABLE,
            ) from error
        self._looked = now

    def _read(self) -> KeySet:
        try:
            stat = self._path.stat()
        except OSError as error:
            raise IdentityError(
                f"no JWKS there: {error.strerror}",
                where=f"{places.JWKS}={self._path}",
                next_step="`evergreen up` makes it; or unset it for a server that asks nobody",
            ) from error
        document: dict[str, Any] = jwks.read(self._path)
        try:
            keys: KeySet = KeySet.import_key_set(document)  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError) as error:
            raise IdentityError(
                f"a key of it cannot be used: {type(error).__name__}",
                where=f"{places.JWKS}={self._path}",
                next_step="write it anew: `evergreen keys rotate --revoke`",
            ) from error
        # Whatever an old key has signed is verified again, by those that are left.
        self._known.clear()
        self._seen = (stat.st_mtime_ns, stat.st_ino)
        return keys


def _token(headers: Headers) -> bytes:
    given = [value for name, value in headers if name == AUTHORIZATION]
    if not given:
        raise _unauthorized("there is no token")
    scheme, _, token = given[0].partition(b" ")
    if len(given) > 1 or scheme.lower() != b"bearer" or len(token) > MOST_TOKEN_BYTES:
        raise _unauthorized("not one bearer token")
    return token


def _scopes(claim: object) -> frozenset[str]:
    words = claim.split(" ") if isinstance(claim, str) else claim
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("scope is neither text nor a list of words")
    return frozenset(words)


def _unauthorized(problem: str) -> RequestError:
    return refused(
        problem,
        AUTHORIZATION.decode(),
        "send `Authorization: Bearer TOKEN` with a token of `evergreen token`",
        HTTPStatus.UNAUTHORIZED,
    )


def _forbidden(scope: str) -> RequestError:
    return refused(
        f"the token has not the scope {scope}",
        AUTHORIZATION.decode(),
        "ask for a token with this scope, if the client may have it",
        HTTPStatus.FORBIDDEN,
    )
