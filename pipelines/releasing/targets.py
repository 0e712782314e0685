"""Which version a rollback returns to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.state.ledger import ROLLED_BACK, Entry


def previous_live(entries: Sequence[Entry]) -> str | None:
    """The last version that was live before the one that is, and that nobody has turned away from.

    A version that was rolled back for cause is not returned to, unless it was promoted since.

    Args:
        entries: of the ledger, the newest first.
    """
    distrusted = distrusted_versions(entries)
    live = entries[0].version if entries else None
    for entry in entries:
        if entry.version != live and entry.version not in distrusted:
            return entry.version
    return None


def distrusted_versions(entries: Sequence[Entry]) -> set[str]:
    """The versions that a rollback left behind, and that were not made live since."""
    found: set[str] = set()
    for entry in reversed(entries):
        if entry.action == ROLLED_BACK and entry.previous is not None:
            found.add(entry.previous)
        found.discard(entry.version)
    return found
