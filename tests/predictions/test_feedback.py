"""Labels in any order, late and repeated; what counts is what was said last."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import CellError, LogError
from pipelines.predictions import names
from pipelines.predictions.feedback import COLUMNS, Feedback, labels, require_usable
from tests.predictions.factories import BINARY, NOON, ROOT, python


def said(folder: Path) -> dict[tuple[str, int], str]:
    rows = labels(folder).to_pylist()
    found = {(row["request_id"], row["row"]): row["label"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_labels_are_there_when_add_returns_and_after_closing(tmp_path: Path) -> None:
    feedback = Feedback.open(tmp_path, BINARY)
    feedback.add(["a", "b", "b"], [1, 0, 1], [0, 0, 1])
    wanted = {("a", 0): "1", ("b", 0): "0", ("b", 1): "1"}
    assert said(tmp_path) == wanted
    feedback.close(20)
    assert said(tmp_path) == wanted
    assert [path.suffix for path in tmp_path.iterdir()] == [".parquet"]


def test_the_last_that_arrived_counts_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    for arrived, label in ((3, "c"), (1, "a"), (2, "b")):
        feedback = Feedback.open(tmp_path)
        feedback.add(["x"], [label], arrived_ns=NOON + arrived * 10**6)
        feedback.close(20)
    assert said(tmp_path) == {("x", 0): "c"}
    until = datetime.fromtimestamp(NOON / 10**9 + 0.003, UTC)
    assert labels(tmp_path, until=until).column("label").to_pylist() == ["b"]


def test_of_one_moment_the_last_in_the_file_counts(tmp_path: Path) -> None:
    feedback = Feedback.open(tmp_path)
    feedback.add(["x", "y", "x"], ["1", "2", "3"], arrived_ns=NOON)
    feedback.add(["y"], ["4"], arrived_ns=NOON)
    feedback.close(20)
    assert said(tmp_path) == {("x", 0): "3", ("y", 0): "4"}


SAYING = st.tuples(
    st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 3), st.text("xyz", min_size=1)
)


@settings(max_examples=25, deadline=None)
@given(st.lists(SAYING, max_size=20))
def test_reading_is_the_same_as_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, sayings: list[tuple[str, int, int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("feedback")
    feedback = Feedback.open(folder)
    wanted: dict[tuple[str, int], str] = {}
    for request, row, moment, label in sayings:
        feedback.add([request], [label], [row], arrived_ns=NOON + moment * 1000)
    for request, row, _, label in sorted(sayings, key=lambda saying: saying[2]):
        wanted[request, row] = label
    assert said(folder) == wanted
    feedback.close(20)


def test_an_empty_store_has_its_columns(tmp_path: Path) -> None:
    feedback = Feedback.open(tmp_path)
    feedback.add([], [])
    feedback.close(20)
    assert labels(tmp_path).schema == COLUMNS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ids", "values", "rows", "row", "column"),
    [
        (["a", ""], [1, 1], None, 1, "request_id"),
        (["a", 7], [1, 1], None, 1, "request_id"),
        (["x" * 201], [1], None, 0, "request_id"),
        (["\udfff"], [1], None, 0, "request_id"),
        (["a", "b"], [1, 3], None, 1, "label"),
        (["a"], [1], [-1], 0, "row"),
        (["a"], [1], [True], 0, "row"),
        (["a"], [1], [2**31], 0, "row"),
        (["a"], [1], [0.5], 0, "row"),
        (["a"], [1, 1], None, None, None),
        (["a"], [1], [0, 1], None, None),
    ],
    ids=range(11),
)
def test_one_that_cannot_be_used_is_named_and_none_is_kept(
    tmp_path: Path,
    ids: list[object],
    values: list[object],
    rows: list[object] | None,
    row: int | None,
    column: str | None,
) -> None:
    feedback = Feedback.open(tmp_path, BINARY)
    with pytest.raises(CellError) as caught:
        feedback.add(ids, values, rows)
    assert (caught.value.row, caught.value.column) == (row, column)
    assert labels(tmp_path).num_rows == 0
    with pytest.raises(CellError) as caught:
        require_usable(ids, values, rows, BINARY, 100)
    assert caught.value.row == (None if row is None else 100 + row)


def test_threads_may_add_at_once(tmp_path: Path) -> None:
    feedback = Feedback.open(tmp_path)

    def add(name: str) -> None:
        for number in range(50):
            feedback.add([f"{name}-{number}"], ["1"])

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    feedback.close(20)
    assert len(said(tmp_path)) == 200


def test_killed_right_after_add_nothing_is_lost(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from pipelines.predictions.feedback import Feedback
feedback = Feedback.open(Path(sys.argv[1]))
feedback.add(["a", "b"], ["x", "y"])
os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert said(tmp_path) == {("a", 0): "x", ("b", 0): "y"}
    Feedback.open(tmp_path).close(20)
    assert names.streams(tmp_path) == []
    assert said(tmp_path) == {("a", 0): "x", ("b", 0): "y"}


def test_old_labels_go_if_that_is_wanted(tmp_path: Path) -> None:
    feedback = Feedback.open(tmp_path)
    feedback.add(["a"], ["x"], arrived_ns=10**18)
    feedback.close(20)
    Feedback.open(tmp_path).close(20)
    assert said(tmp_path) == {("a", 0): "x"}
    Feedback.open(tmp_path, retention_days=30).close(20)
    assert said(tmp_path) == {}


def test_a_full_disk_is_said_and_the_next_may_succeed(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from pipelines.errors import LogError
from pipelines.predictions.feedback import Feedback
feedback = Feedback.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    feedback.add(["a"], ["x"])
except LogError as error:
    print(error.problem)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
feedback.add(["b"], ["y"])
feedback.close(20)
"""
    assert "File too large" in python(code, tmp_path)
    assert said(tmp_path) == {("b", 0): "y"}


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match="file"):
        Feedback.open(tmp_path / "file")
