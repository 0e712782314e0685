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
# Whoever tries one client after the other, from one address. Many may share that, so it waits less.
_FREE_OF_A_PEER = 30
_MOST_WAIT_OF_A_PEER = 5.0
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
        self._peers = Guesses(_FREE_OF_A_PEER, _MOST_WAIT_OF_A_PEER)
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
        self._require_patience(self._guesses, key)
        found = clients.kept(self._engine, client_id)
        client, kept = found if found is not None else (None, _NOBODY)
        is_right = self._is_remembered(given, kept)
        if not is_right:
            # Only who costs a scrypt waits for the wrong secrets of its neighbours.
            self._require_patience(self._peers, peer)
            is_right = self._matches(given, kept)
        self._note(key, peer, is_right=is_right and client is not None)
        if not is_right or client is None or not client.is_good(self._clock()):
            return None
        return client

    def _require_patience(self, guesses: Guesses, key: str) -> None:
        with self._lock:
            wait = math.ceil(guesses.wait_seconds(key, self._monotonic()))
        if wait:
            raise TooManyGuessesError(wait)

    def _note(self, key: str, peer: str, *, is_right: bool) -> None:
        with self._lock:
            if is_right:
                self._guesses.succeeded(key)
            else:
                self._guesses.failed(key, self._monotonic())
                self._peers.failed(peer, self._monotonic())

    def _is_remembered(self, given: str, kept: str) -> bool:
        """Whether it was right before; it is not put through scrypt again.

        The row is read each time, so a client that is removed, or added again, is so at once.
        """
        return self._right.get(sha256(given.encode()).hexdigest()) == kept

    def _matches(self, given: str, kept: str) -> bool:
        with self._scrypts:
            is_right = secret.matches(given, kept)
        if is_right:
            with self._lock:
                if len(self._right) >= _REMEMBERED:
                    self._right.clear()
                self._right[sha256(given.encode()).hexdigest()] = kept
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
