"""Where finished trials are kept: what a search asks of a store."""

from __future__ import annotations

from typing import Protocol

from optuna.trial import FrozenTrial, TrialState

SLOT = "slot"
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


class Store(Protocol):
    """The finished trials of one search.

    Attributes:
        patience: seconds after which to look again for what others finished; None if nobody
            else writes to this store.
    """

    patience: float | None

    def finished(self) -> dict[int, FrozenTrial]:
        """Every finished trial by its slot; also those of a search that was longer."""
        ...

    def claim(self, slot: int) -> bool:
        """Whether this search is the one to run a slot. False: another does, or did."""
        ...

    def add(self, slot: int, trial: FrozenTrial) -> None:
        """Keep a finished trial of a slot that was claimed, and give up the claim."""
        ...

    def close(self) -> None:
        """Give up every claim, so that another search can take them at once."""
        ...


def by_slot(trials: list[FrozenTrial]) -> dict[int, FrozenTrial]:
    """Finished trials by slot; of two for one slot the earlier, so that everybody sees the same.

    Two can be there when a machine slept through its claim and wrote after another had taken it.
    """
    found: dict[int, FrozenTrial] = {}
    for trial in trials:
        if trial.state in _FINISHED:
            found.setdefault(trial.user_attrs[SLOT], trial)
    return found
