"""An incremental training and a full one side by side: what each makes of the holdout, and how
long each takes.

Both are fitted anew, in one process that ends with them: times of different days, or of a machine
that was busy with something else meanwhile, say nothing of each other, and TensorFlow wants a
process of its own.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import pandas as pd

from pipelines.errors import EvergreenError, ModelError
from pipelines.frames import features
from pipelines.models.base import Family, Scores, Training, last
from pipelines.models.given import Given
from pipelines.models.threads import one_thread
from pipelines.orphans import end_with_spawner
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings


@dataclass(frozen=True, eq=False)
class Refit:
    """A training that was done for the comparison alone.

    Attributes:
        scores: of the trained model on the rows asked; see `Fitted.scores`.
        seconds: of one processor that the fit took, without reading the rows.
        rows: how many it was fitted on.
    """

    scores: Scores
    seconds: float
    rows: int


def side_by_side(
    paths: ModelPaths, settings: ModelSettings, asked: pd.DataFrame
) -> tuple[Refit, Refit]:
    """Fit the incremental model of `paths` once more, and the full one on all its rows.

    Args:
        paths: of an incremental model; split and tune have run.
        settings: of the model.
        asked: the rows to score, such as the holdout.

    Returns:
        The incremental one, and the full one with the same hyperparameters.

    Raises:
        ModelError: one of them cannot be trained, or the process that does it was killed.
    """
    # Spawned: a fork of a process with threads may deadlock.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=end_with_spawner) as pool:
        try:
            return pool.submit(both, paths, settings, asked).result()
        except EvergreenError:
            raise
        except BrokenProcessPool as error:
            raise ModelError(
                "the process that fits the full model beside the incremental one was killed",
                where=f"{paths.model}: gate.compare_full",
                next_step="see whether memory ran out; gate.compare_full: false does without",
            ) from error
        except Exception as error:
            raise ModelError(
                f"a fit for the comparison failed with {type(error).__name__}: {error}",
                where=f"{paths.model}: gate.compare_full",
                next_step="train in full to see it whole, or set gate.compare_full to false",
            ) from error


def both(paths: ModelPaths, settings: ModelSettings, asked: pd.DataFrame) -> tuple[Refit, Refit]:
    """What `side_by_side` returns, in this process."""
    given = Given.read(paths, settings)
    assert given.parent is not None, "only an incremental model is compared with a full one"
    rows = features(asked, given.schema)
    part, whole = given.training(), given.on(given.known)
    # The first fit of a process loads libraries, and is not counted.
    _refit(given.family, part, rows)
    return _refit(given.family, part, rows), _refit(given.family, whole, rows)


def _refit(family: Family, training: Training, rows: pd.DataFrame) -> Refit:
    with one_thread():
        # Of the processor, not of the clock: other work on the machine is nobody's cost here.
        started = time.process_time()
        fitted = last(family.fit(training))
        seconds = time.process_time() - started
    return Refit(fitted.scores(rows), seconds, len(training.frame))
