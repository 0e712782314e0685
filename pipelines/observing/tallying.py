"""Counting bad events: each session once for each metric, weight and arm."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.rollout.evidence import Counts, Exposure

_Key = tuple[str, int]


class Tallying:
    """Events of two arms, as they come.

    Memory grows with the sessions of the stretch that is counted, and not with their requests.
    """

    def __init__(self) -> None:
        self._seen: dict[_Key, tuple[dict[str, bool], dict[str, bool]]] = {}

    def add(
        self, metric: str, weight_percent: int, one: str, *, is_challenger: bool, is_bad: bool
    ) -> None:
        """Count an event; a session is bad when any of its requests was."""
        arms = self._seen.setdefault((metric, weight_percent), ({}, {}))
        arm = arms[0 if is_challenger else 1]
        arm[one] = arm.get(one, False) or is_bad

    def first(
        self, metric: str, weight_percent: int, one: str, *, is_challenger: bool, is_bad: bool
    ) -> None:
        """Count an event of which only the first of a session speaks.

        Labels are noisy: of a client with many requests some answer is wrong of any model.
        """
        arms = self._seen.setdefault((metric, weight_percent), ({}, {}))
        arms[0 if is_challenger else 1].setdefault(one, is_bad)

    def exposures(self) -> Iterator[Exposure]:
        """What was counted, in an order that depends on nothing but its names."""
        for (metric, weight), (challenger, champion) in sorted(
            self._seen.items(), key=lambda item: item[0]
        ):
            yield Exposure(metric, weight, _counts(challenger), _counts(champion))


def _counts(events: dict[str, bool]) -> Counts:
    return Counts(len(events), sum(events.values()))


def merged(exposures: Iterator[Exposure]) -> tuple[Exposure, ...]:
    """One exposure for each metric and weight, of those of several stretches."""
    found: dict[_Key, Exposure] = {}
    for each in exposures:
        key = (each.metric, each.weight_percent)
        known = found.get(key)
        found[key] = each if known is None else _sum(known, each)
    return tuple(found[key] for key in sorted(found))


def _sum(left: Exposure, right: Exposure) -> Exposure:
    return Exposure(
        left.metric,
        left.weight_percent,
        left.challenger + right.challenger,
        left.champion + right.champion,
    )
