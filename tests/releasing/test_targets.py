"""Which version a rollback returns to."""

from __future__ import annotations

import pytest

from pipelines.releasing.targets import distrusted_versions, previous_live
from pipelines.state.ledger import ADOPTED, PROMOTED, ROLLED_BACK, Entry


def ledger(*rows: tuple[str, str]) -> list[Entry]:
    """The newest first, of actions and versions with the oldest first."""
    found: list[Entry] = []
    for action, version in rows:
        previous = found[-1].version if found else None
        found.append(Entry("-", "m", action, version, previous, "c", "ann", "why", {}, None))
    return found[::-1]


P, R, A = PROMOTED, ROLLED_BACK, ADOPTED


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([], None),
        ([(P, "v1")], None),
        ([(P, "v1"), (P, "v2")], "v1"),
        ([(A, "v1"), (P, "v2"), (P, "v3")], "v2"),
        # Never the last archived: v2 was never live.
        ([(P, "v1"), (P, "v3")], "v1"),
        ([(P, "v1"), (P, "v2"), (R, "v1")], None),
        ([(P, "v1"), (P, "v2"), (P, "v3"), (R, "v2")], "v1"),
        ([(P, "v1"), (P, "v2"), (R, "v1"), (P, "v3")], "v1"),
        # Promoted once more, with new evidence, it is trusted again.
        ([(P, "v1"), (P, "v2"), (R, "v1"), (P, "v2"), (P, "v3")], "v2"),
        ([(P, "v1"), (P, "v2"), (P, "v3"), (R, "v1")], "v2"),
        ([(P, "v1"), (P, "v2"), (R, "v1"), (R, "v2")], None),
    ],
    ids=str,
)
def test_the_last_live_version_that_nobody_turned_away_from(rows, wanted) -> None:
    assert previous_live(ledger(*rows)) == wanted


def test_who_is_distrusted() -> None:
    rows = ledger((P, "v1"), (P, "v2"), (R, "v1"), (P, "v3"), (R, "v1"))
    assert distrusted_versions(rows) == {"v2", "v3"}
