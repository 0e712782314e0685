"""Trials on a Dask cluster, rung by rung: the same conversation as with `workers.Workers`.

Each seat is an actor: an object that lives on one worker of the cluster, holds the rows once,
and answers one call a rung. Dask does not start actors of a dead worker again, so a seat whose
worker dies gets a new actor, and its trial is repeated.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, LocalCluster

from pipelines.errors import EvergreenError
from pipelines.models.threads import one_thread
from pipelines.tuning import dask_cluster
from pipelines.tuning.engine import (
    ATTEMPTS,
    Params,
    Prepare,
    Rung,
    Score,
    Scored,
    died,
    failed,
)

_WORKER_SECONDS = 60
# How often somebody looks whether the scheduler is still there: calls to one that is gone may
# never return.
_LOOK_SECONDS = 2
# After a worker is lost: so long it takes at most until a scheduler that went with it is missed.
_NOTICE_SECONDS = 0.5


class Scorer:
    """The actor: it lives on a worker of the cluster.

    Args:
        prepare: called once, at the first trial.
    """

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._score: Score | None = None
        self._rungs: Iterator[Scored] = iter(())

    def rung(self, params: Params | None) -> Scored | EvergreenError:
        """The next rung: of a new trial if `params` are given, else of the one under way.

        What the family raises is returned: an exception would look like the cluster's own.
        """
        try:
            # One thread, as in a process of ours: the sums of one thread are always the same.
            with one_thread():
                if self._score is None:
                    self._score = self._prepare()
                if params is not None:
                    self._rungs = self._score(params)
                return next(self._rungs)
        except EvergreenError as error:
            return error
        except Exception as error:  # noqa: BLE001 (returned, and raised by the search)
            traceback.print_exc()
            return failed(error)


@dataclass
class _Seat:
    slot: int | None = None
    params: Params = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    attempts: int = 1
    address: str = ""
    actor: Any = None


class DaskWorkers:
    """An engine on a Dask cluster; see `Engine`.

    Args:
        prepare: sent to the workers; see `workers.Prepare`.
        count: how many trials run at a time.
        address: of the scheduler; None: a cluster of `count` processes, for as long as this
            search takes.

    Raises:
        StateError: the scheduler does not answer, or has no workers.
    """

    def __init__(self, prepare: Prepare, count: int, address: str | None) -> None:
        self._prepare = prepare
        self._closing = ExitStack()
        self._is_closed = False
        self._least = count if address is None else 1
        self._where = address or "a cluster of this machine"
        self._client = self._connect(count, address)
        print(f"trials go to the Dask cluster at {self._client.scheduler.address}", flush=True)
        self._seats = [_Seat() for _ in range(count)]
        self._placing = threading.Lock()
        self._answers: queue.Queue[Rung | EvergreenError] = queue.Queue()

    def has_idle(self) -> bool:
        """Whether `start` has a seat to give a trial to."""
        return any(seat.slot is None for seat in self._seats)

    def start(self, slot: int, params: Params) -> None:
        """Give a trial to a free seat."""
        seat = next(seat for seat in self._seats if seat.slot is None)
        seat.slot, seat.params, seat.scores, seat.attempts = slot, params, [], 1
        self._ask(seat, params)

    def next_rung(self, seconds: float | None = None) -> Rung | None:
        """Wait until some trial reaches a rung; None after `seconds` without one.

        Raises:
            EvergreenError: what the family raised.
            ModelError: a worker died again and again on one trial.
            StateError: the cluster has no workers any more, or its scheduler is gone.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            left = _LOOK_SECONDS if until is None else max(0.0, until - time.monotonic())
            try:
                answer = self._answers.get(timeout=min(left, _LOOK_SECONDS))
            except queue.Empty:
                # While it is `connecting`, a scheduler that comes back in time is found again.
                if self._client.status == "closed":
                    raise dask_cluster.gone(self._where) from None
                continue
            if isinstance(answer, EvergreenError):
                raise answer
            return answer
        return None

    def go_on(self, slot: int) -> None:
        """Let a trial train on to its next rung."""
        self._ask(self._of(slot), None)

    def finish(self, slot: int) -> None:
        """End a trial; its seat is free again."""
        self._of(slot).slot = None

    def close(self) -> None:
        """End the cluster if it is ours. On another's, a rung under way runs to its end."""
        self._is_closed = True
        self._closing.close()

    def _connect(self, count: int, address: str | None) -> Client:
        if address is None:
            cluster = LocalCluster(**dask_cluster.local(count))
            return self._closing.enter_context(Client(self._closing.enter_context(cluster)))
        try:
            client = self._closing.enter_context(
                Client(address, timeout=dask_cluster.ANSWER_SECONDS)
            )
            client.wait_for_workers(1, timeout=dask_cluster.ANSWER_SECONDS)
        except (OSError, TimeoutError) as error:
            self._closing.close()
            raise dask_cluster.no_workers(address, dask_cluster.ANSWER_SECONDS, error) from error
        return client

    def _of(self, slot: int) -> _Seat:
        return next(seat for seat in self._seats if seat.slot == slot)

    def _ask(self, seat: _Seat, params: Params | None) -> None:
        # A daemon: a call to a cluster that is gone never returns, and must not keep us alive.
        threading.Thread(target=self._answer, args=(seat, params), daemon=True).start()

    def _answer(self, seat: _Seat, params: Params | None) -> None:
        try:
            self._answers.put(self._rung(seat, params))
        except EvergreenError as error:
            self._answers.put(error)

    def _rung(self, seat: _Seat, params: Params | None) -> Rung | EvergreenError:
        assert seat.slot is not None
        while True:
            try:
                if seat.actor is None:
                    self._place(seat)
                    # A new actor knows nothing of the rungs before.
                    params, seat.scores = seat.params, []
                answer = seat.actor.rung(params).result()
            except EvergreenError:
                raise
            except Exception as error:  # noqa: BLE001 (Dask has many ways to say: worker lost)
                self._lose(seat, error)
                continue
            if isinstance(answer, EvergreenError):
                return answer
            seat.scores.append(answer.quality)
            known = (seat.slot, seat.params, list(seat.scores))
            return Rung(*known, is_last=answer.is_last, cost=answer.cost)

    def _lose(self, seat: _Seat, error: Exception) -> None:
        assert seat.slot is not None
        time.sleep(_NOTICE_SECONDS)
        if self._client.status != "running" and not self._is_closed:
            # No fault of the trial: workers end when their scheduler does.
            raise dask_cluster.gone(self._where) from error
        seat.actor = None
        seat.attempts += 1
        if self._is_closed or seat.attempts > ATTEMPTS:
            raise died(seat.slot, f"Dask says: {error}", seat.params) from error
        print(f"worker of trial {seat.slot} died; the trial starts again", flush=True)

    def _place(self, seat: _Seat) -> None:
        """Make an actor on the worker that has the fewest."""
        try:
            self._client.wait_for_workers(self._least, timeout=_WORKER_SECONDS)
        except TimeoutError as error:
            raise dask_cluster.no_workers(self._where, _WORKER_SECONDS, error) from error
        with self._placing:
            taken = Counter(other.address for other in self._seats if other is not seat)
            seat.address = min(sorted(self._client.nthreads()), key=lambda name: taken[name])
        # Elsewhere, if that worker dies right now.
        place = {"workers": [seat.address], "allow_other_workers": True}
        made = self._client.submit(Scorer, self._prepare, actor=True, pure=False, **place)
        seat.actor = made.result()
