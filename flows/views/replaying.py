"""What `evergreen replay` prints."""

from __future__ import annotations

from dataclasses import asdict

from flows.views.printing import print_json
from pipelines.replaying.standing import Standing


def show_standing(model: str, found: Standing, *, as_json: bool) -> None:
    """How many requests were sent, and how many of them were told the truth."""
    if as_json:
        print_json({"model": model, **asdict(found)})
        return
    refused = f", {found.refused:,} of them refused" if found.refused else ""
    print(
        f"{model}: {found.first} to {found.last}: {found.asked:,} requests{refused}, "
        f"labels of {found.told:,}"
    )
