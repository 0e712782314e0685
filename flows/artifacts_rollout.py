"""What a rollout shows in the Prefect UI: how far it is, and the evidence of its step."""

from __future__ import annotations

from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)

from pipelines.releasing.ticking import Ticked
from pipelines.rollout.routing import percent_of
from pipelines.rollout.state import Phase, State


class Progress:
    """One bar a run, and a page that is written anew when there is news."""

    def __init__(self, model: str) -> None:
        self._key = f"{model.replace('_', '-')}-rollout"
        self._bar: UUID | None = None
        self._shown: tuple[object, ...] = ()

    def publish(self, ticked: Ticked) -> None:
        """Show a tick."""
        state = ticked.state
        if self._bar is None:
            made = create_progress_artifact(passed_percent(state), key=f"{self._key}-progress")
            # Prefect's type holds for coroutines as well; a flow that is none gets the id.
            assert isinstance(made, UUID)
            self._bar = made
        else:
            update_progress_artifact(self._bar, passed_percent(state))
        news = (state.phase, state.stage, state.is_paused)
        if news != self._shown:
            create_markdown_artifact(key=self._key, markdown=page(ticked))
            self._shown = news


def passed_percent(state: State) -> float:
    """The share of the steps that are passed; 100 of a rollout that is over, however it ended."""
    if state.phase.is_final:
        return 100.0
    if state.phase is Phase.PENDING:
        return 0.0
    return 100.0 * state.stage / len(state.plan.stages)


def page(ticked: Ticked) -> str:
    """The state in Markdown, with the verdict's parts in a table."""
    state = ticked.state
    lines = [
        f"**{state.phase.value}**: {state.reason}",
        "",
        f"{state.plan.challenger} has {percent_of(state)} % of the requests, "
        f"{state.plan.champion} the others.",
    ]
    if ticked.unseen:
        lines += ["", f"Nothing was seen: {ticked.unseen}"]
    if ticked.verdict is not None:
        rows = [
            f"| {part.name} | {part.outcome.value} | {part.reason} |"
            for part in ticked.verdict.parts
        ]
        lines += ["", "| metric | outcome | why |", "| --- | --- | --- |", *rows]
    return "\n".join(lines)
