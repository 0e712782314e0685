"""Asking a running Supervisor, over its Unix socket."""

from __future__ import annotations

import http.client
import xmlrpc.client
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport, UnixStreamHTTPConnection

from pipelines.errors import FleetError

TIMEOUT_SECONDS = 10.0


class ProcessState(StrEnum):
    """Supervisor's states of a process."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"  # it died too soon, and is started again in a moment
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"  # it died too soon too often
    UNKNOWN = "UNKNOWN"

    @property
    def is_alive(self) -> bool:
        return self in (ProcessState.STARTING, ProcessState.RUNNING, ProcessState.STOPPING)


@dataclass(frozen=True)
class Process:
    """A program as Supervisor sees it.

    Attributes:
        program: its name, which is that of its group as well: Supervisor can replace a group only.
        state: Supervisor's word.
        pid: None if it is not alive.
        seconds: since it was started, if it is alive.
        said: Supervisor's description, such as why it could not be started.
    """

    program: str
    state: ProcessState
    pid: int | None
    seconds: int
    said: str


class Remote:
    """A Supervisor, by its socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def pid(self) -> int | None:
        """The process that answers on the socket; None if nobody does.

        Raises:
            FleetError: somebody took the question, and does not answer.
        """
        try:
            return int(self._call("getPID"))
        except (FileNotFoundError, ConnectionError):
            return None
        except (OSError, xmlrpc.client.Error, http.client.HTTPException) as error:
            raise self._fault(error) from error

    def processes(self) -> list[Process]:
        """Every program, in the order of names."""
        told = self._ask("getAllProcessInfo")
        return sorted((_process(each) for each in told), key=lambda process: process.program)

    def reload(self) -> None:
        """Read the configuration again; nothing is started or stopped by that."""
        self._ask("reloadConfig")

    def add(self, program: str) -> None:
        """Start a program of the configuration; one that is there already is left alone."""
        self._ask("addProcessGroup", program, but=(Faults.ALREADY_ADDED,))

    def start(self, process: Process) -> None:
        """Start a program that is down; one that came up meanwhile is left alone."""
        self._ask("startProcess", process.program, False, but=(Faults.ALREADY_STARTED,))

    def stop(self, program: str) -> None:
        """Ask a program to end, without waiting."""
        self._ask("stopProcessGroup", program, False, but=(Faults.BAD_NAME,))

    def remove(self, program: str) -> bool:
        """Forget a program that was stopped; False if it has not ended yet."""
        forgotten = self._ask(
            "removeProcessGroup",
            program,
            but=(Faults.STILL_RUNNING,),
            gone=(Faults.BAD_NAME,),
        )
        return forgotten is not None

    def shutdown(self) -> None:
        """End Supervisor, and every program with it."""
        self._ask("shutdown")

    def _ask(
        self,
        method: str,
        *arguments: Any,
        but: tuple[int, ...] = (),
        gone: tuple[int, ...] = (),
    ) -> Any:
        """The answer; None for the faults `but`, True for those that mean it was done already."""
        try:
            return self._call(method, *arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in gone:
                return True
            if fault.faultCode in but:
                return None
            raise self._fault(fault) from fault
        except (OSError, xmlrpc.client.Error, http.client.HTTPException) as error:
            raise self._fault(error) from error

    def _call(self, method: str, *arguments: Any) -> Any:
        # A connection each: the standard library's does not recover from one that was refused.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        transport._get_connection = lambda: _Connection(self._socket)
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _fault(self, error: BaseException) -> FleetError:
        said = error.faultString if isinstance(error, xmlrpc.client.Fault) else repr(error)
        return FleetError(
            f"Supervisor does not do as it is asked: {said}",
            where=str(self._socket),
            next_step="read logs/supervisord.log in the home of the stack; `evergreen down` and "
            "`evergreen up` start afresh",
        )


class _Connection(UnixStreamHTTPConnection):
    """Supervisor's own has no timeout, and a Supervisor that is stopped would hold us for ever."""

    def __init__(self, socket: Path) -> None:
        super().__init__("localhost")
        self.socketfile = str(socket)

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(TIMEOUT_SECONDS)


def _process(told: dict[str, Any]) -> Process:
    state = ProcessState(told["statename"])
    return Process(
        program=told["name"],
        state=state,
        pid=told["pid"] or None,
        seconds=max(told["now"] - told["start"], 0) if state.is_alive else 0,
        said=told["description"],
    )
