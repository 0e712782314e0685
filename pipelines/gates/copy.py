"""A challenger that is the champion's own file is refused before anything is asked of it."""

from __future__ import annotations

from dataclasses import replace

from pipelines.verdicts import Outcome, Verdict, combine


def judge_copy(digest: str, champion: str) -> Verdict:
    """The verdict on a challenger that is the champion's own file: nothing else need be asked.

    Args:
        digest: of both files, in hexadecimal.
        champion: its name.
    """
    evidence = {
        "challenger": {"name": "challenger", "digest": digest},
        "champion": {"name": champion, "digest": digest},
        "not_asked": ["everything else"],
    }
    return replace(combine("gate", [same_file(digest)]), evidence=evidence)


def same_file(digest: str) -> Verdict:
    """FAILED: both files have this digest."""
    reason = f"identical to the champion: both are {digest[:12]}"
    return Verdict("identity", Outcome.FAILED, reason, {"challenger": digest, "champion": digest})
