"""Whether somebody is the client that they say, and what they are told when they guess."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from hashlib import sha256

import sqlalchemy as sa

from pipelines.errors import RequestError
from pipelines.identity import clients, secret
from pipelines.identity.clients import Client
from pipelines.identity.guessing import Guesses

# So many scrypts at once, 16 MiB each; more of them wait in line.
_AT_ONCE = 2
_REMEMBERED = 1024
# What an unknown client's secret is compared with: time must not tell whether a client exists.
_NOBODY = secret.hashed(secret.generate())


class Authentication:
    """Compares secrets with the state store, and slows down whoever fails.

    Args:
        engine: of the state store.
        clock: gives unix seconds.
        monotonic: gives seconds that do not go back, for waiting times.
    """

    def __init__(
        self, engine: sa.Engine, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._guesses = Guesses()
        self._lock = threading.Lock()
        self._scrypts = threading.BoundedSemaphore(_AT_ONCE)
        self._right: dict[str, str] = {}

    def client(self, client_id: str, given: str, peer: str) -> Client | None:
        """The client, if `given` is its secret and it has not expired; else None.

        Args:
            client_id: who it says it is.
            given: the secret.
            peer: where the request comes from, an address.

        Raises:
            RequestError: 429, it failed too often; `next_step` says how long to wait.
        """
        key = f"{client_id[:80]}@{peer}"
        self._require_patience(key)
        found = clients.kept(self._engine, client_id)
        client, kept = found if found is not None else (None, _NOBODY)
        is_right = self._matches(given, kept)
        with self._lock:
            if is_right and client is not None:
                self._guesses.succeeded(key)
            else:
                self._guesses.failed(key, self._monotonic())
        if not is_right or client is None or not client.is_good(self._clock()):
            return None
        return client

    def _require_patience(self, key: str) -> None:
        with self._lock:
            wait = math.ceil(self._guesses.wait_seconds(key, self._monotonic()))
        if wait:
            raise TooManyGuessesError(wait)

    def _matches(self, given: str, kept: str) -> bool:
        """Whether the secret is right; one that was is not put through scrypt again.

        The row is read each time, so a client that is removed, or added again, is so at once.
        """
        seen = sha256(given.encode()).hexdigest()
        if self._right.get(seen) == kept:
            return True
        with self._scrypts:
            is_right = secret.matches(given, kept)
        if is_right:
            with self._lock:
                if len(self._right) >= _REMEMBERED:
                    self._right.clear()
                self._right[seen] = kept
        return is_right


class TooManyGuessesError(RequestError):
    """Nothing is compared until `wait_seconds` are over."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(
            "too many wrong secrets",
            where="client",
            next_step=f"wait {wait_seconds} s, and check the secret",
            status=429,
        )
        self.wait_seconds = wait_seconds
