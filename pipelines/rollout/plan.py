"""What a rollout is to do, frozen when it begins."""

from __future__ import annotations

import msgspec

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


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rollout: which version replaces which, and by which rules.

    Attributes:
        id: of the rollout, unique among all.
        model: its name.
        champion, challenger: versions, as `flights@v3`.
        latency_ms: the champion's p99 before the rollout; a slower answer is a bad event.
        expected: how far the models are apart when nothing is wrong.
        settings: as they were when the rollout began.
    """

    id: str
    model: str
    champion: str
    challenger: str
    latency_ms: float
    expected: Expected
    settings: RolloutSettings

    @property
    def stages(self) -> tuple[int, ...]:
        """The weights at which evidence is collected, in percent; MIRROR is the first if wanted."""
        mirror = (MIRROR,) if self.settings.mirror else ()
        return (*mirror, *self.settings.steps[:-1])
