"""Every error names its place and the next step, and survives the way between processes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from pipelines import errors
from pipelines.errors import (
    BusyError,
    CellError,
    EvergreenError,
    RequestError,
    SettingsError,
    StageError,
)

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, EvergreenError)
]
MADE = [
    SettingsError("wrong", where="params.yaml", next_step="mend it"),
    CellError("wrong", row=3, column="age", next_step="mend it"),
    CellError("wrong", row=None, column=None, next_step="mend it"),
    RequestError("wrong", where="body", next_step="mend it", status=422),
    StageError("wrong", where="train", next_step="mend it", exit_code=3),
    BusyError("wrong", where="lease", next_step="wait"),
]


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_it_survives_pickling(error: EvergreenError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.exit_code == error.exit_code
    assert back.__dict__ == error.__dict__


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_it_names_place_problem_and_next_step(error: EvergreenError) -> None:
    text = str(error)
    assert text.startswith(f"{error.where}: wrong")
    assert text.endswith(f"next step: {error.next_step}")


def test_a_cell_is_named_by_row_and_column() -> None:
    assert MADE[1].where == "row 3 (counted from 0), column 'age'"
    assert MADE[2].where == "input"


def test_exit_codes() -> None:
    assert SettingsError.exit_code == errors.EXIT_BAD_INPUT == 2
    assert BusyError.exit_code == errors.EXIT_UNKNOWN == 3
    assert MADE[4].exit_code == 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_tree_at_the_top_of_the_file_is_complete(kind: type[EvergreenError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__
