"""Every error that Evergreen raises on purpose.

    EvergreenError              exit code 2 unless a subclass says otherwise
    |-- SettingsError           params.yaml: a key is missing, extra, or has a wrong value
    |-- SourceError             the data source cannot be read, or is not what was recorded
    |-- DataError               the data was read, and is unusable
    |   |-- ValidationError     a critical expectation does not hold
    |   |-- CellError           one value, of one row and column, cannot be used
    |   `-- RequestError        a request to a model server is refused; carries the HTTP status
    |-- ModelError              a model cannot be trained, exported, or trusted
    |-- PackageError            a bento cannot be built, started, or does not answer as it should
    |-- WorkspaceError          git or DVC is not in a state to work with
    |   `-- RemoteError         the DVC remote does not answer
    |-- StageError              a stage of dvc.yaml failed; carries that stage's own exit code
    |-- StateError              .evergreen/state.db cannot be used
    |-- RolloutError            a rollout cannot begin, or go on, with what it was given
    |-- GatewayError            Envoy cannot be configured, or does not take what it was given
    |-- IdentityError           a key, certificate, client or token cannot be made or used
    |-- FleetError              a process of the local stack cannot be started, found or ended
    |-- MonitorError            a window of live traffic cannot be looked at
    |-- AlertError              people cannot be told, because nobody is named or nobody answers
    |-- LogError                the prediction log cannot be written or read
    |-- DeployError             a version cannot be described for where it is to run
    |-- ClusterError            the Kubernetes API refuses something, or does not answer
    |-- StressError             a server cannot be put under load (exit code 3: nothing was judged)
    `-- BusyError               somebody else holds the lease (exit code 3: nothing was decided)

A verdict is a value; an exception means that the question could not be asked.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_REFUSED = 1
EXIT_BAD_INPUT = 2
EXIT_UNKNOWN = 3


class EvergreenError(Exception):
    """A fault that a person can act on.

    Args:
        problem: what is wrong, with the value that was seen.
        where: the file, key, URL or name it is about.
        next_step: what to do about it.
    """

    exit_code = EXIT_BAD_INPUT

    def __init__(self, problem: str, *, where: str, next_step: str) -> None:
        super().__init__(problem, where, next_step)
        self.problem = problem
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}\n  next step: {self.next_step}"

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive default pickling between worker processes.
        return (_rebuild, (type(self), self.problem, self.where, self.next_step, self.__dict__))


def _rebuild(
    kind: type[EvergreenError], problem: str, where: str, next_step: str, state: dict[str, object]
) -> EvergreenError:
    error = kind.__new__(kind)
    EvergreenError.__init__(error, problem, where=where, next_step=next_step)
    error.__dict__.update(state)
    return error


class SettingsError(EvergreenError):
    """params.yaml cannot be used as it stands."""


class SourceError(EvergreenError):
    """A data source cannot be read, or changed since it was recorded."""


class DataError(EvergreenError):
    """The data was read, and cannot be used."""


class ValidationError(DataError):
    """At least one critical expectation does not hold."""


class CellError(DataError):
    """One value cannot be used.

    Args:
        row: its row, counted from 0 in what the caller gave; None if no single row is at fault.
        column: its column; None if the row as a whole is at fault.
    """

    def __init__(
        self, problem: str, *, row: int | None, column: str | None, next_step: str
    ) -> None:
        places = [] if row is None else [f"row {row} (counted from 0)"]
        if column is not None:
            places.append(f"column {column!r}")
        super().__init__(problem, where=", ".join(places) or "input", next_step=next_step)
        self.row = row
        self.column = column


class RequestError(DataError):
    """A model server refuses a request; `status` is the HTTP status to say so with."""

    def __init__(self, problem: str, *, where: str, next_step: str, status: int) -> None:
        super().__init__(problem, where=where, next_step=next_step)
        self.status = status


class ModelError(EvergreenError):
    """A model cannot be trained, exported or trusted."""


class PackageError(EvergreenError):
    """A bento cannot be built or does not behave like the model it was made from."""


class WorkspaceError(EvergreenError):
    """git or DVC is not in a state that Evergreen can work with."""


class RemoteError(WorkspaceError):
    """The DVC remote does not answer."""


class StageError(EvergreenError):
    """A stage of dvc.yaml failed; `exit_code` is the stage's own."""

    def __init__(self, problem: str, *, where: str, next_step: str, exit_code: int) -> None:
        super().__init__(problem, where=where, next_step=next_step)
        self.exit_code = exit_code


class StateError(EvergreenError):
    """The state store cannot be used."""


class RolloutError(EvergreenError):
    """A rollout cannot begin with these versions, or go on with this evidence or event."""


class GatewayError(EvergreenError):
    """Envoy cannot be configured, or does not take what it was given."""


class IdentityError(EvergreenError):
    """A key, certificate, client or token cannot be made or used."""


class FleetError(EvergreenError):
    """A process of the local stack cannot be started, found or ended."""


class MonitorError(EvergreenError):
    """A window of live traffic cannot be looked at."""


class AlertError(EvergreenError):
    """People cannot be told: no address is named, or none of them takes the message."""


class LogError(EvergreenError):
    """The prediction log cannot be written or read."""


class DeployError(EvergreenError):
    """A version cannot be described for the place where it is to run."""


class ClusterError(EvergreenError):
    """The Kubernetes API refuses something, does not answer, or a gateway does not take a route."""


class StressError(EvergreenError):
    """The load did not come about, so nothing can be said of the server."""

    exit_code = EXIT_UNKNOWN


class BusyError(EvergreenError):
    """Somebody else is doing this already; nothing was decided."""

    exit_code = EXIT_UNKNOWN
