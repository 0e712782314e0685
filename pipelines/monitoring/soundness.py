"""Broken data told apart from drift: what no change of the world does to a window.

Training on it would teach the fault. So the window is put into quarantine, nothing is trained
because of it, and a person is told what to mend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipelines.monitoring.comparing import (
    CategoryReference,
    CategorySeen,
    NumberReference,
    NumberSeen,
    Reference,
    Seen,
)
from pipelines.monitoring.profile import Profile
from pipelines.monitoring.windows import Frozen
from pipelines.settings import MonitorSettings

_OFTEN = 0.5


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a window.

    Attributes:
        where: the column, or the window.
        problem: what is wrong, with what was seen.
    """

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def faults(
    frozen: Frozen, profile: Profile, references: Mapping[str, Reference], settings: MonitorSettings
) -> list[Fault]:
    """What is wrong with a window that has rows."""
    broken = settings.broken_share
    found = [
        Fault(name, f"is not there in {rows:,} of {frozen.rows:,} rows")
        for name, rows in sorted(frozen.vanished.items())
    ]
    found += [
        Fault(name, f"changed its type: it is {kind} now")
        for name, kind in sorted(frozen.retyped.items())
    ]
    known = {fault.where for fault in found}
    for name, seen in profile.seen.items():
        if name not in known and not name.startswith("output "):
            found += [Fault(name, said) for said in _of_column(references[name], seen, broken)]
    repeated = _most_repeated(profile.sample)
    if repeated > broken:
        found.append(Fault("window", f"one and the same row makes up {repeated:.0%} of it"))
    if profile.invalid_answers > 0.01 * profile.rows:
        found.append(
            Fault(
                "output", f"{profile.invalid_answers:,} of {profile.rows:,} answers are no number"
            )
        )
    return found


def _of_column(reference: Reference, seen: Seen, broken: float) -> Iterator[str]:
    if seen.missing == seen.rows and reference.missing < reference.rows:
        yield "has no value at all"
        return
    before = reference.missing / reference.rows if reference.rows else 0.0
    # What most rows never had, such as gusts of wind, comes and goes with the season: that is for
    # drift to judge.
    if before < _OFTEN and seen.missing / seen.rows - before > broken:
        yield f"{seen.missing / seen.rows:.0%} of the values are missing, {before:.0%} before"
    if isinstance(reference, NumberReference) and isinstance(seen, NumberSeen):
        yield from _of_number(reference, seen, broken)
    elif isinstance(reference, CategoryReference) and isinstance(seen, CategorySeen):
        known = seen.rows - seen.missing
        if known and seen.unseen > broken * known:
            yield f"{seen.unseen / known:.0%} of the names were never seen in training"


def _of_number(reference: NumberReference, seen: NumberSeen, broken: float) -> Iterator[str]:
    size = seen.placed.size
    if not size or not reference.steps.size:
        return
    if seen.implausible > broken * size:
        low, high = reference.plausible
        yield (
            f"{seen.implausible / size:.0%} of the values are beyond {low:.6g} to {high:.6g}; "
            f"they go from {seen.low:.6g} to {seen.high:.6g}"
        )
    if not reference.is_continuous:
        return
    if seen.low == seen.high:
        yield f"is {seen.low:.6g} in every row"
        return
    often = seen.placed.at / size - reference.steps.counts / reference.steps.size
    most = int(often.argmax())
    if often[most] > broken:
        share = seen.placed.at[most] / size
        yield f"is {reference.steps.points[most]:.6g} in {share:.0%} of the rows"


def _most_repeated(sample: pa.Table) -> float:
    """The share of the most frequent row among those of the sample, by its features."""
    names = [name for name in sample.column_names if name.startswith(("feature_", "image"))]
    # Rows of a single narrow column are rightly equal.
    if len(names) < 3 or sample.num_rows == 0:
        return 0.0
    counted = sample.select(names).group_by(names).aggregate([([], "count_all")])
    return float(max(counted.column("count_all").to_numpy()) / sample.num_rows)
