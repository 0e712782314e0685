"""Finished trials in PostgreSQL: one search on several machines, which share the work.

Optuna keeps the trials. A slot is claimed with a lease in the same database (the one table of
`pipelines/state` that is made there), renewed while its trial runs: two machines never work on
one slot, and the slot of a machine that died is taken over when its lease has run out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import optuna
import sqlalchemy as sa
from optuna.trial import FrozenTrial

from pipelines.errors import BusyError, SettingsError, StateError
from pipelines.state import leases
from pipelines.state.store import leases as leases_table
from pipelines.tuning.stores import by_slot

_CONNECT_SECONDS = 10
_GRACE_SECONDS = 30.0
# Any number, as long as all searches take the same: who makes the tables makes them alone.
_TABLES_LOCK = 0x45564747


class SharedStore:
    """A store in PostgreSQL; see `Store`.

    Args:
        name: of the study; machines with the same name work on the same search.
        address: `tune.storage`; a password that is `$NAME` is taken from the environment.
        directions: of the objectives.
        grace_seconds: after so long without a sign of life a machine's slots are free.

    Raises:
        SettingsError: the environment variable of the password is not set.
        StateError: the database cannot be reached or used.
    """

    patience: float | None = 0.5

    def __init__(
        self,
        name: str,
        address: str,
        directions: Sequence[str],
        grace_seconds: float = _GRACE_SECONDS,
    ) -> None:
        url = url_of(address)
        self._name = name
        self._grace = grace_seconds
        self._where = f"{url.host}:{url.port or 5432}/{url.database}"
        self._claims: dict[int, tuple[leases.Lease, ExitStack]] = {}
        with _as_state_errors(self._where):
            self._engine = sa.create_engine(url, **_ENGINE)
            # The renewal of leases is told of a lost connection by an error of ours.
            sa.event.listen(self._engine, "handle_error", partial(_explain, self._where))
            self._study = _open(self._engine, url, name, directions)

    def finished(self) -> dict[int, FrozenTrial]:
        """Every finished trial by its slot, those of other machines among them."""
        with _as_state_errors(self._where):
            return by_slot(self._study.get_trials(deepcopy=False))

    def claim(self, slot: int) -> bool:
        """Whether this machine is the one to run a slot."""
        stack = ExitStack()
        held = leases.hold(self._engine, f"trial {self._name} {slot}", "search", self._grace)
        try:
            lease = stack.enter_context(held)
        except BusyError:
            return False
        # It may have been finished between the last look and the claim.
        if slot in self.finished():
            stack.close()
            return False
        self._claims[slot] = (lease, stack)
        return True

    def add(self, slot: int, trial: FrozenTrial) -> None:
        """Keep a finished trial, unless its claim was lost meanwhile: then another runs it."""
        lease, stack = self._claims.pop(slot)
        with stack, _as_state_errors(self._where):
            if not lease.lost.is_set():
                self._study.add_trial(trial)

    def close(self) -> None:
        """Give up every claim, so that another machine can take them at once."""
        while self._claims:
            _, (_, stack) = self._claims.popitem()
            stack.close()
        self._engine.dispose()


_ENGINE = {
    # A search may think for an hour between two questions; firewalls forget such connections.
    "pool_pre_ping": True,
    "connect_args": {"connect_timeout": _CONNECT_SECONDS},
}


def url_of(address: str) -> sa.URL:
    """The address with its password, if it names one.

    Raises:
        SettingsError: the environment variable is not set.
    """
    url = sa.make_url(address)
    if not url.password:
        return url
    name = url.password.removeprefix("$")
    if name not in os.environ:
        raise SettingsError(
            f"the environment variable {name} is not set",
            where="params.yaml: tune.storage",
            next_step=f"put the password of {url.username}@{url.host} into {name}",
        )
    return url.set(password=os.environ[name])


def _open(engine: sa.Engine, url: sa.URL, name: str, directions: Sequence[str]) -> optuna.Study:
    with engine.begin() as connection:
        # Two machines may start at once, and looking for a table and making it are two steps.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TABLES_LOCK)))
        leases_table.create(connection, checkfirst=True)
        storage = optuna.storages.RDBStorage(
            url.render_as_string(hide_password=False), engine_kwargs=_ENGINE
        )
    return optuna.create_study(
        study_name=name, storage=storage, directions=list(directions), load_if_exists=True
    )


@contextmanager
def _as_state_errors(where: str) -> Iterator[None]:
    """Optuna has an engine of its own, and wraps what the database says."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError) as error:
        raise _unusable(where, error) from error


def _explain(where: str, context: sa.engine.ExceptionContext) -> None:
    if not isinstance(context.sqlalchemy_exception, sa.exc.IntegrityError):
        raise _unusable(where, context.original_exception) from None


def _unusable(where: str, error: BaseException) -> StateError:
    # What the driver says names the host and the user, never the password.
    cause = error.__cause__ if isinstance(error, optuna.exceptions.OptunaError) else error
    first_line = str(cause or error).strip().splitlines()[:1]
    return StateError(
        f"the storage of the search fails: {' '.join(first_line) or type(error).__name__}",
        where=f"{where} (params.yaml: tune.storage)",
        next_step="check that the server runs and that this machine may connect and make tables; "
        "finished trials are kept there, and the same command goes on",
    )
