"""A training whose process is killed goes on, and ends where it would have ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.models.base import Training
from pipelines.models.keras_mlp import KerasMlp
from pipelines.models.neural import archive
from pipelines.models.neural.checkpoints import STATE_FILE
from pipelines.models.neural.learner import Learner
from pipelines.models.neural.training import RUNGS
from tests.models.neural.small import is_same, rungs, trained, training

ROOT = Path(__file__).parents[3]


@pytest.fixture
def epochs_run(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the epochs that are run, as they are run."""
    numbers: list[int] = []
    real = Learner.epoch

    def watched(self: Learner, number: int) -> float:
        numbers.append(number)
        return real(self, number)

    monkeypatch.setattr(Learner, "epoch", watched)
    return numbers


def killed_after(known: Training, epochs: int) -> None:
    """As far as a killed process would have come: the rest is never asked for.

    A generator that is thrown away between two rungs is the same to the files.
    """
    course = KerasMlp().fit(known)
    for _ in range(epochs * RUNGS // int(known.params["epochs"])):
        next(course)


@pytest.mark.parametrize("optimizer", ["gd", "nesterov", "adagrad", "adadelta", "rmsprop", "adamw"])
def test_a_resumed_training_is_the_uninterrupted_one_bit_for_bit(
    optimizer: str, tmp_path: Path, epochs_run: list[int]
) -> None:
    known = training(optimizer=optimizer, epochs=6, schedule="cosine", patience=4)
    expected = rungs(known)
    kept = replace(known, checkpoints=tmp_path)
    killed_after(kept, 4)
    epochs_run.clear()
    found = rungs(kept)
    assert epochs_run == [5, 6]
    assert all(is_same(one, two) for one, two in zip(found, expected, strict=True))


@pytest.mark.slow
def test_after_sigkill_no_finished_epoch_is_repeated(tmp_path: Path, epochs_run: list[int]) -> None:
    known = long_training()
    expected = trained(known)
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from tests.models.neural.test_checkpoints import long_training\n"
        "from tests.models.neural.small import trained\n"
        "trained(replace(long_training(), checkpoints=Path(sys.argv[1])))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT) as process:
        try:
            wait_for_epoch(tmp_path / STATE_FILE, 20, process)
        finally:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = archive.read(tmp_path / STATE_FILE, next_step="").facts["epoch"]
    assert 20 <= done < 400
    epochs_run.clear()
    found = trained(replace(known, checkpoints=tmp_path))
    assert epochs_run == list(range(done + 1, 401))
    assert is_same(found, expected)
    assert np.array_equal(found.scores(known.frame), expected.scores(known.frame))


def long_training() -> Training:
    """Some seconds of epochs, so that there is time to kill it."""
    return training(epochs=400, patience=0, batch_size=64)


def wait_for_epoch(path: Path, epoch: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        assert process.poll() is None, "the training ended before it was killed"
        if path.exists() and archive.read(path, next_step="").facts["epoch"] >= epoch:
            return
        time.sleep(0.01)
    raise TimeoutError(f"no epoch {epoch} in {path}")


def test_a_finished_training_is_answered_from_its_files(
    tmp_path: Path, epochs_run: list[int]
) -> None:
    kept = replace(training(), checkpoints=tmp_path)
    expected = trained(kept)
    epochs_run.clear()
    assert is_same(trained(kept), expected)
    assert epochs_run == []


def test_an_early_end_is_remembered(tmp_path: Path, epochs_run: list[int]) -> None:
    known = training(epochs=30, patience=1, units=64, dropout=0.0)
    known = replace(known, labels=np.random.default_rng(0).permutation(known.labels))
    kept = replace(known, checkpoints=tmp_path)
    killed_after(kept, 10)
    ended = len(epochs_run)
    assert ended < 10
    assert is_same(trained(kept), trained(known))
    assert len(epochs_run) == 2 * ended


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"params": {"units": 9}}, "plan"),
        ({"params": {"learning_rate": 0.1}}, "plan"),
        ({"seed": 9}, "seed"),
        ({"labels": 0}, "rows"),
        ({"frame": 0}, "rows"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    known = replace(training(epochs=3), checkpoints=tmp_path)
    killed_after(known, 1)
    if "labels" in change:
        change = {"labels": 1 - known.labels}
    if "frame" in change:
        change = {"frame": known.frame.assign(city="Rome")}
    if "params" in change:
        change = {"params": {**known.params, **change["params"]}}
    with pytest.raises(ModelError, match=f"differs in {said}$|differs in {said}\n") as caught:
        trained(replace(known, **change))
    assert caught.value.where == str(tmp_path / STATE_FILE)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    known = replace(training(epochs=3), checkpoints=tmp_path)
    killed_after(known, 1)
    path = tmp_path / STATE_FILE
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="not readable") as caught:
        trained(known)
    assert caught.value.where == str(path)
    assert "remove the folder of checkpoints" in caught.value.next_step


def test_nothing_is_left_beside_the_checkpoints(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    folder.mkdir(parents=True)
    (folder / f".{STATE_FILE}.k1ll3d").write_bytes(b"half a file")
    trained(replace(training(), checkpoints=folder))
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["rung_1.npz", "rung_2.npz", STATE_FILE]


def test_rungs_without_their_state_are_not_believed(tmp_path: Path) -> None:
    """Nothing says which training they are of."""
    kept = replace(training(), checkpoints=tmp_path)
    trained(replace(kept, seed=99))
    (tmp_path / STATE_FILE).unlink()
    expected = rungs(training())
    assert all(is_same(one, two) for one, two in zip(rungs(kept), expected, strict=True))


def test_a_rung_that_is_gone_is_not_made_up(tmp_path: Path) -> None:
    kept = replace(training(), checkpoints=tmp_path)
    trained(kept)
    (tmp_path / "rung_1.npz").unlink()
    with pytest.raises(ModelError, match=r"rung_1\.npz"):
        trained(kept)


def test_killed_between_an_epoch_and_its_rung(tmp_path: Path, epochs_run: list[int]) -> None:
    known = training(patience=0)
    kept = replace(known, checkpoints=tmp_path)
    killed_after(kept, 2)
    (tmp_path / "rung_1.npz").unlink()
    expected = rungs(known)
    epochs_run.clear()
    assert all(is_same(one, two) for one, two in zip(rungs(kept), expected, strict=True))
    assert epochs_run == [3, 4, 5, 6]
