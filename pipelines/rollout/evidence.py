"""What was seen of a rollout since the last look: counts of bad events, and pairs of answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipelines.errors import DataError
from pipelines.statistics.sequential.bounded_mean import NO_VALUES, Moments

# Wrong answers, of requests whose label came in time. A value, rather than a class, is wrong when
# it is off by more than a tolerance that is frozen before the rollout, as the latency's is.
WRONG = "wrong"


@dataclass(frozen=True)
class Counts:
    """Requests of one arm, and the bad ones among them.

    Count one event per client session: a client that retries is not ten clients that fail.
    """

    requests: int = 0
    bad: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.requests:
            raise _impossible(f"{self.bad} bad of {self.requests} requests")

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.requests + other.requests, self.bad + other.bad)

    @property
    def rate(self) -> float:
        """The share of bad requests; 0 before the first."""
        return self.bad / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Exposure:
    """One metric over some time at one weight.

    Attributes:
        metric: `errors`, `timeouts`, `invalid`, `latency`, or `wrong`.
        weight_percent: what the challenger was given at the time; 0 while it was mirrored.
        challenger, champion: the answers of each. Mirrored answers count as the challenger's.
    """

    metric: str
    weight_percent: int
    challenger: Counts
    champion: Counts

    @property
    def share(self) -> float:
        """The challenger's share of the requests, 0 to 1."""
        requests = self.challenger.requests + self.champion.requests
        return self.challenger.requests / requests if requests else 0.0


@dataclass(frozen=True)
class ShadowPairs:
    """Answers of both models to the same requests, from the mirror or from a replay.

    Attributes:
        disagreements: of 0 (same label) and 1 (another one), a pair each.
        gaps: of the distance of the two scores, 0 to 1, a pair each. A regression gives the
            distance as a share of the target's range on the holdout, at most 1.
    """

    disagreements: Moments = NO_VALUES
    gaps: Moments = NO_VALUES

    def __post_init__(self) -> None:
        for moments in (self.disagreements, self.gaps):
            parts = (moments.count, moments.total, moments.squares)
            # Squares of values up to 1 are at most the values; sums of floats may be off a little.
            slack = 1e-9 * (1 + moments.count)
            is_possible = all(math.isfinite(part) and part >= 0 for part in parts) and (
                moments.squares <= moments.total + slack and moments.total <= moments.count + slack
            )
            if not is_possible:
                raise _impossible(f"sums of values between 0 and 1 that are {moments}")
        if self.disagreements.count != self.gaps.count:
            raise _impossible(f"{self.disagreements.count} labels and {self.gaps.count} scores")

    def __add__(self, other: ShadowPairs) -> ShadowPairs:
        return ShadowPairs(self.disagreements + other.disagreements, self.gaps + other.gaps)

    @property
    def count(self) -> int:
        """How many pairs."""
        return self.gaps.count


NO_PAIRS = ShadowPairs()


@dataclass(frozen=True)
class Evidence:
    """Everything between two positions of the source of evidence.

    Attributes:
        begin, end: seconds of the source's own clock, which goes on without any traffic. A look
            begins where the one before ended, which is how nothing is counted twice, and a
            source that stands still is found out.
        exposures: at most one for each metric and weight.
        pairs: of the time in between.
    """

    begin: float
    end: float
    exposures: tuple[Exposure, ...] = ()
    pairs: ShadowPairs = NO_PAIRS

    def __post_init__(self) -> None:
        if not (math.isfinite(self.begin) and math.isfinite(self.end)) or self.end < self.begin:
            raise _impossible(f"a look from {self.begin} to {self.end}")
        seen = [(exposure.metric, exposure.weight_percent) for exposure in self.exposures]
        if len(set(seen)) < len(seen):
            raise _impossible("a metric that is counted twice at one weight")


def _impossible(seen: str) -> DataError:
    return DataError(
        f"{seen} cannot be",
        where="evidence of the rollout",
        next_step="read the counts anew; a counter that was reset in between counts from its reset",
    )
