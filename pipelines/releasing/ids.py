"""What a rollout is called: by its challenger, which can then be told without its state."""

from __future__ import annotations

import secrets


def new(challenger: str, wall: float) -> str:
    """An id that no other rollout has, as `flights@v3-1800000000-9f86d0`."""
    return f"{challenger}-{int(wall)}-{secrets.token_hex(3)}"


def challenger_of(rollout: str) -> str:
    """The challenger of a rollout."""
    return rollout.rsplit("-", 2)[0]
