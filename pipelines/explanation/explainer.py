"""SHAP values of the exported graph, one row at a time.

The SHAP value of a feature (Lundberg and Lee 2017) is its Shapley value in a game: a coalition of
features is worth what the model answers on average when it knows them of the row, and has all
others from the rows of a background (the interventional form, Janzing et al. 2020). shap's
permutation explainer (Strumbelj and Kononenko 2014, each order walked forwards and backwards)
plays this game; it sees coalitions of zeros and ones only, so that numbers, categories and patches
of an image are all the same to it. It is exact for a model without interactions of more than two
features, and always adds up: base value + contributions = the model's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.errors import ModelError
from pipelines.evaluation.importance import groups
from pipelines.explanation import shapley
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.schema import CATEGORIES, NUMBERS
from pipelines.signature import MODEL_FILE

Floats = npt.NDArray[np.float64]
SEED = 7
# Orders of the features, each walked both ways: ten, and fewer of a wide table, down to one. One
# is exact already for a model without interactions of more than two features.
_ORDERS = 10
_STEPS = 640
# Values given to the graph in one call, and coalitions that shap asks about at once.
_CALL_VALUES = 1_000_000
_COALITIONS = 256
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Explained:
    """Why the model answered one row as it did.

    Attributes:
        answer: the probability of class 1, the probability of the class that the model decided
            for, or the value in the unit of the target.
        decided: the place of that class in `classes`; None unless there are several.
        base: the mean answer over the background, of the same class.
        contributions: by feature (or patch) what it adds to `base`, in the unit of `answer`.
    """

    answer: float
    decided: int | None
    base: float
    contributions: dict[str, float]

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """The contributions, the largest in size first."""
        return sorted(self.contributions.items(), key=lambda item: -abs(item[1]))


class Explainer:
    """Explains the answers of one model; equal rows have equal explanations.

    Args:
        session: the model.
        background: rows that stand for "not known", as tensors.
        where: what asks for explanations, for errors.
        seed: of the orders in which features become known; the same for every row, so that an
            explanation does not depend on the rows before it.

    Raises:
        SettingsError: shap is not installed.
    """

    def __init__(
        self, session: ModelSession, background: Tensors, where: str, seed: int = SEED
    ) -> None:
        self._explainer = shapley.permutation_explainer(where)
        self._session = session
        self._background = background
        self._seed = seed
        self._schema = session.signature.schema
        self.players = groups(self._schema)
        self._owners = self._find_owners()

    @property
    def cost(self) -> int:
        """How many values the graph is given to explain one row."""
        rows = len(next(iter(self._background.values())))
        return self._evaluations * rows * len(self._schema.features)

    @property
    def _evaluations(self) -> int:
        """How many coalitions are asked about for one row."""
        count = len(self.players)
        return max(1, min(_ORDERS, _STEPS // count)) * (2 * count + 1)

    def explain(self, rows: Tensors, place: int) -> Explained:
        """Explain row number `place` of `rows`.

        Raises:
            ModelError: the contributions do not add up to the model's answer.
        """
        row = {name: tensor[place : place + 1] for name, tensor in rows.items()}
        prediction = self._session.predict(row)
        decided = int(prediction.labels[0]) if self._schema.task == "multiclass" else None
        answer = float(_of_class(prediction.scores, decided)[0])
        base, values = self._shap(lambda known: self._worth(row, decided, known))
        if abs(base + values.sum() - answer) > _TOLERANCE * max(1.0, abs(base), abs(answer)):
            raise ModelError(
                f"base value and contributions come to {base + values.sum():.9g}, but the model "
                f"answers {answer:.9g}",
                where=f"{MODEL_FILE}, row {place}",
                next_step="ask the graph for the same row twice: its answers must not depend on "
                "the rows that are asked with it",
            )
        contributions = dict(zip(self.players, values.tolist(), strict=True))
        return Explained(answer, decided, base, contributions)

    def _shap(self, worth: Callable[[npt.NDArray[np.bool_]], Floats]) -> tuple[float, Floats]:
        """The base value and the Shapley values of a game: worth of coalitions, (n,) of (n, p)."""
        count = len(self.players)
        with _global_seed(self._seed):
            explainer = self._explainer(worth, np.zeros((1, count)), seed=self._seed)
            found = explainer(
                np.ones((1, count)),
                max_evals=self._evaluations,
                batch_size=_COALITIONS,
                silent=True,
            )
        return float(found.base_values[0]), np.asarray(found.values[0], dtype=np.float64)

    def _worth(self, row: Tensors, decided: int | None, known: npt.ArrayLike) -> Floats:
        """What the model answers on average when it knows some features of the row.

        Args:
            row: tensors of one row.
            decided: the class that is asked about, or None.
            known: shape (coalitions, features or patches): which of them it knows.
        """
        coalitions = np.asarray(known, dtype=np.bool_)
        asked = len(next(iter(self._background.values()))) * len(self._schema.features)
        at_once = max(1, _CALL_VALUES // asked)
        parts = [
            self._answer(row, decided, coalitions[start : start + at_once])
            for start in range(0, len(coalitions), at_once)
        ]
        return np.concatenate(parts)

    def _answer(self, row: Tensors, decided: int | None, known: npt.NDArray[np.bool_]) -> Floats:
        tensors = {}
        for name, unknown in self._background.items():
            chosen = known[:, self._owners[name]][:, np.newaxis, :]
            mixed = np.where(chosen, row[name][np.newaxis], unknown[np.newaxis])
            tensors[name] = mixed.reshape(-1, unknown.shape[1])
        scores = _of_class(self._session.predict(tensors).scores, decided)
        means: Floats = scores.reshape(len(known), -1).mean(axis=1)
        return means

    def _find_owners(self) -> dict[str, npt.NDArray[np.int64]]:
        """For each column of each tensor the number of the player that it belongs to."""
        owner = {
            column: number
            for number, columns in enumerate(self.players.values())
            for column in columns
        }
        columns = {NUMBERS: self._schema.numbers, CATEGORIES: self._schema.categories}
        return {
            name: np.array([owner[column] for column in columns[name]], dtype=np.int64)
            for name in self._background
        }


def _of_class(scores: Floats, decided: int | None) -> Floats:
    return scores if decided is None else scores[:, decided]


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """shap draws from numpy's global generator; whoever else uses that finds it as it was."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
