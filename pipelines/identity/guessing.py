"""How long somebody has to wait who gave a wrong secret: values in, seconds out.

A secret of 256 bits is not guessed. But each guess costs a scrypt, and a wrong one in a client's
configuration would be tried for ever, so whoever fails waits, twice as long each time.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

# Wrong secrets that cost nothing: a person mistypes.
FREE_FAILURES = 5
MOST_WAIT_SECONDS = 60.0
FORGET_SECONDS = 600.0
# Keys that are remembered; beyond that the one that failed longest ago is forgotten.
MOST_KEYS = 10_000


@dataclass(frozen=True)
class _Failures:
    count: int
    last: float


class Guesses:
    """Failures by key (who was claimed to be, and from where), in memory.

    Times are seconds of one clock that does not go back.

    Args:
        free: failures that cost nothing.
        most_wait_seconds: the longest wait.
    """

    def __init__(
        self, free: int = FREE_FAILURES, most_wait_seconds: float = MOST_WAIT_SECONDS
    ) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._free = free
        self._most = most_wait_seconds

    def wait_seconds(self, key: str, now: float) -> float:
        """How long nothing is taken from `key`; 0 if it may try now."""
        known = self._failures.get(key)
        if known is None or now - known.last > FORGET_SECONDS:
            return 0.0
        return max(0.0, known.last + penalty_seconds(known.count, self._free, self._most) - now)

    def failed(self, key: str, now: float) -> None:
        """Note a wrong secret."""
        known = self._failures.pop(key, None)
        is_old = known is None or now - known.last > FORGET_SECONDS
        self._failures[key] = _Failures(1 if is_old or known is None else known.count + 1, now)
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Note a right one: what was before was a mistake."""
        self._failures.pop(key, None)


def penalty_seconds(
    failures: int, free: int = FREE_FAILURES, most_seconds: float = MOST_WAIT_SECONDS
) -> float:
    """How long nothing is taken after so many failures in a row."""
    beyond = failures - free
    # Cut before the power: a client that is wrong for a day fails often enough to overflow it.
    return 0.0 if beyond < 0 else min(most_seconds, 2.0 ** min(beyond, 16))
