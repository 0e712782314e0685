"""Worker processes that score parameters, rung by rung."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from pipelines.errors import EXIT_UNKNOWN, EvergreenError
from pipelines.orphans import end_with_spawner
from pipelines.tuning.engine import ATTEMPTS, Params, Prepare, Rung, Score, died, failed


@dataclass
class _Trial:
    slot: int
    params: Params
    scores: list[float] = field(default_factory=list)
    attempts: int = 1


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    trial: _Trial | None = None


class Workers:
    """A fixed number of processes; a killed one is started again and its trial repeated."""

    def __init__(self, prepare: Prepare, count: int) -> None:
        # Spawned, because a fork of a process with threads (Arrow, OpenMP) may deadlock.
        self._context = multiprocessing.get_context("spawn")
        self._prepare = prepare
        self._workers = [self._spawn() for _ in range(count)]

    def has_idle(self) -> bool:
        """Whether `start` has somebody to give a trial to."""
        return any(worker.trial is None for worker in self._workers)

    def start(self, slot: int, params: Params) -> None:
        """Give a trial to an idle worker."""
        worker = next(worker for worker in self._workers if worker.trial is None)
        self._begin(worker, _Trial(slot, params))

    def next_rung(self, seconds: float | None = None) -> Rung | None:
        """Wait until some trial reaches a rung; None after `seconds` without one.

        Raises:
            EvergreenError: what the family raised.
            ModelError: a worker died again and again on one trial.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            busy = [worker.pipe for worker in self._workers if worker.trial]
            # Without a pipe to wait on, this is how long another machine is left in peace.
            for pipe in wait(busy, seconds) if busy else _rest(seconds):
                rung = self._read(next(w for w in self._workers if w.pipe is pipe))
                if rung is not None:
                    return rung
        return None

    def _read(self, worker: _Worker) -> Rung | None:
        trial = worker.trial
        assert trial is not None
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            self._retry(worker)
            return None
        if isinstance(message, EvergreenError):
            raise message
        trial.scores.append(message.quality)
        return Rung(trial.slot, trial.params, list(trial.scores), message.is_last, message.cost)

    def go_on(self, slot: int) -> None:
        """Let a trial train on to its next rung."""
        worker = self._of(slot)
        try:
            worker.pipe.send(True)
        except ConnectionError:
            self._retry(worker)

    def finish(self, slot: int) -> None:
        """End a trial; its worker is idle again."""
        worker = self._of(slot)
        worker.trial = None
        with suppress(ConnectionError):  # the next start finds out that it is dead
            worker.pipe.send(False)

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()

    def _of(self, slot: int) -> _Worker:
        return next(w for w in self._workers if w.trial is not None and w.trial.slot == slot)

    def _spawn(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(self._prepare, theirs), daemon=True)
        with _one_thread():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _begin(self, worker: _Worker, trial: _Trial) -> None:
        worker.trial = trial
        try:
            worker.pipe.send(trial.params)
        except ConnectionError:
            self._retry(worker)

    def _retry(self, worker: _Worker) -> None:
        trial = worker.trial
        assert trial is not None
        worker.process.join()
        if trial.attempts >= ATTEMPTS:
            raise died(trial.slot, f"last exit code {worker.process.exitcode}", trial.params)
        print(f"worker of trial {trial.slot} died; the trial starts again", flush=True)
        worker.pipe.close()
        fresh = self._spawn()
        worker.process, worker.pipe = fresh.process, fresh.pipe
        self._begin(worker, _Trial(trial.slot, trial.params, attempts=trial.attempts + 1))


def _rest(seconds: float | None) -> list[Connection]:
    assert seconds is not None, "nobody is busy, and nobody else will do anything"
    time.sleep(seconds)
    return []


@contextmanager
def _one_thread() -> Iterator[None]:
    """Children get one OpenMP thread each: the trials are what runs in parallel, and sums of
    one thread are the same every time."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _serve(prepare: Prepare, pipe: Connection) -> None:
    """The life of a worker: parameters in, a score a rung out, until it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    end_with_spawner()  # a parent that is killed cannot end its workers
    try:
        score = prepare()
        while True:
            _score(score, pipe)
    except EvergreenError as error:
        pipe.send(error)
    except Exception as error:  # noqa: BLE001 (sent to the parent, which raises it)
        # A fault of the family itself would only repeat itself in a fresh worker.
        traceback.print_exc()
        pipe.send(failed(error))


def _score(score: Score, pipe: Connection) -> None:
    for rung in score(_receive(pipe)):
        pipe.send(rung)
        if not _receive(pipe):
            return


def _receive(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        os._exit(EXIT_UNKNOWN)  # the parent is gone
