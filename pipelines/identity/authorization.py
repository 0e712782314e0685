"""The OAuth2 side: Authlib's authorization server with one grant, client credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidScopeError,
    OAuth2Error,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from pipelines.identity.authentication import Authentication
from pipelines.identity.tokens import Bearer, Tokens

METHODS = ["client_secret_basic", "client_secret_post"]
Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]


@dataclass(frozen=True)
class TokenRequest:
    """A request to the token endpoint, read.

    Attributes:
        form: its fields, each once.
        headers: `Authorization`, if the client sent one.
        peer: the address that it comes from.
    """

    form: Mapping[str, str]
    headers: Mapping[str, str]
    peer: str


class _Request(OAuth2Request):
    def __init__(self, asked: TokenRequest) -> None:
        # Authlib refuses http. Ours is on loopback, and TLS ends at the gateway before it.
        super().__init__("POST", "https://localhost/token", headers=asked.headers)
        self.payload = BasicOAuth2Payload(dict(asked.form))
        self.peer = asked.peer

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class _Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        asked = self.request.payload.scope
        if self.request.client.get_allowed_scope(asked) is None:
            raise InvalidScopeError(description="the client may not have this scope")


@dataclass(frozen=True)
class _Authenticated(Bearer):
    """A client whose secret was right; Authlib asks it what it may."""

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method in METHODS

    def check_grant_type(self, grant: str) -> bool:
        return grant == _Grant.GRANT_TYPE


class Authorization(AuthorizationServer):
    """Answers token requests.

    Args:
        authentication: knows the clients.
        tokens: makes the tokens.
    """

    def __init__(self, authentication: Authentication, tokens: Tokens) -> None:
        super().__init__()
        self._authentication = authentication
        self.register_grant(_Grant)
        self.register_token_generator("default", tokens)
        # Authlib's own methods say whether a client exists, by the status and by the time taken.
        self.register_client_auth_method("client_secret_basic", self._basic)
        self.register_client_auth_method("client_secret_post", self._post)

    def answer(self, asked: TokenRequest) -> Answer:
        """Status, JSON and headers of the answer.

        Raises:
            RequestError: 429, the client has failed too often.
        """
        answer: Answer = self.create_token_response(asked)
        return answer

    def query_client(self, client_id: str) -> None:
        """Authlib wants it; nobody asks, because both methods look clients up by themselves."""

    def create_oauth2_request(self, request: TokenRequest) -> _Request:
        return _Request(request)

    def handle_response(
        self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]
    ) -> Answer:
        return status, dict(body), headers

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Nothing is kept of a token: it says all by itself, and ends within minutes."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def _basic(self, _query: object, request: _Request) -> _Authenticated | None:
        client_id, given = _basic_credentials(request)
        return self._authenticated(client_id, given, request.peer)

    def _post(self, _query: object, request: _Request) -> _Authenticated | None:
        if request.headers:
            return None  # one way at a time (RFC 6749, 2.3), and a guess is counted once
        form = request.form
        return self._authenticated(form.get("client_id"), form.get("client_secret"), request.peer)

    def _authenticated(
        self, client_id: str | None, given: str | None, peer: str
    ) -> _Authenticated | None:
        if not client_id or not given:
            return None
        found = self._authentication.client(client_id, given, peer)
        if found is None:
            raise InvalidClientError(
                status_code=401, description="there is no such client, or the secret is wrong"
            )
        return _Authenticated(found)


def _basic_credentials(request: _Request) -> tuple[str | None, str | None]:
    try:
        client_id, given = extract_basic_authorization(request.headers)
    except ValueError:  # not UTF-8, which Authlib does not expect
        return None, None
    return client_id, given


__all__ = ["METHODS", "Answer", "Authorization", "OAuth2Error", "TokenRequest"]
