"""What a rollout is to do, frozen when it begins."""

from __future__ import annotations

import math

import msgspec

from pipelines.errors import RolloutError
from pipelines.settings import RolloutSettings

MIRROR = 0


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the two models were apart on the holdout of the gate.

    Attributes:
        disagreement: the share of rows with another label, 0 to 1; for values, 0.
        gap: the mean distance of the scores, 0 to 1.
    """

    disagreement: float
    gap: float

    def __post_init__(self) -> None:
        if not (0 <= self.disagreement <= 1 and 0 <= self.gap <= 1):
            raise RolloutError(
                f"a disagreement of {self.disagreement} and a gap of {self.gap} are no shares",
                where="the models on the holdout",
                next_step="compare the two models on the holdout of the gate again",
            )


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is far and what is wrong, for a model whose answers are values; a classifier needs none.

    Attributes:
        span: the distance of two values that counts as 1; larger ones do as well.
        tolerance: a value that is further than this from the truth is a wrong answer.
    """

    span: float = 1.0
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.span < math.inf and 0 <= self.tolerance < math.inf):
            raise RolloutError(
                f"a span of {self.span} and a tolerance of {self.tolerance} measure nothing",
                where="the target on the holdout",
                next_step="look at the target's values on the holdout of the gate",
            )


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rollout: which version replaces which, and by which rules.

    Attributes:
        id: of the rollout, unique among all.
        model: its name.
        champion, challenger: versions, as `flights@v3`.
        latency_ms: the champion's p99 before the rollout; a slower answer is a bad event.
        expected: how far the models are apart when nothing is wrong.
        settings: as they were when the rollout began.
        scale: of a regression's values.
    """

    id: str
    model: str
    champion: str
    challenger: str
    latency_ms: float
    expected: Expected
    settings: RolloutSettings
    scale: Scale = Scale()

    def __post_init__(self) -> None:
        if self.champion == self.challenger:
            raise RolloutError(
                f"{self.challenger} is live already",
                where=f"rollout of {self.model}",
                next_step="name another version; `evergreen history` lists what was live",
            )
        if not 0 < self.latency_ms < math.inf:
            raise RolloutError(
                f"{self.latency_ms} ms is no latency to compare with",
                where=f"rollout of {self.model}",
                next_step="measure the champion's p99 before the rollout begins",
            )

    @property
    def stages(self) -> tuple[int, ...]:
        """The weights at which evidence is collected, in percent; MIRROR is the first if wanted."""
        mirror = (MIRROR,) if self.settings.mirror else ()
        return (*mirror, *self.settings.steps[:-1])
