"""What the verbs of a rollout print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from flows.views.printing import print_json, table_of
from pipelines.errors import EXIT_DONE, EXIT_REFUSED
from pipelines.rollout.routing import routing
from pipelines.rollout.state import Phase, State
from pipelines.verdicts import Verdict

if TYPE_CHECKING:
    from pipelines.releasing.rollback import RolledBack


def exit_code(state: State) -> int:
    """1 when the challenger went back, 0 when it is live or on its way."""
    is_back = state.phase in (Phase.ROLLED_BACK, Phase.ABORTED)
    return EXIT_REFUSED if is_back else EXIT_DONE


def show_state(
    state: State,
    verdict: Verdict | None = None,
    unseen: str | None = None,
    *,
    as_json: bool,
) -> None:
    """How far a rollout is."""
    if as_json:
        print_json(_told(state, verdict, unseen))
        return
    console = Console()
    if verdict is not None:
        title = f"{state.plan.model}, this step"
        console.print(table_of(verdict, "metric", "outcome", "why", title=title))
    weights = ", ".join(f"{name} {percent} %" for name, percent in _weights(state).items())
    console.print(f"{state.phase.value}: {weights}")
    if unseen is not None:
        console.print(Text(f"nothing was seen: {unseen}", "yellow"), soft_wrap=True)
    console.print(Text(state.reason), soft_wrap=True)


def show_rollback(done: RolledBack, *, as_json: bool) -> None:
    """What a rollback came to."""
    if as_json:
        print_json({key: getattr(done, key) for key in done.__dataclass_fields__})
        return
    if done.is_repeated:
        print(f"{done.live} was returned to a moment ago; its routes are applied again")
        print("name a version with --to to go further back")
        return
    if done.ended is not None:
        print(f"the rollout of {done.ended} is over")
    print(f"{done.live} has all requests, after {done.seconds:.2f} s")


def _weights(state: State) -> dict[str, int]:
    return {name: percent for name, percent in routing(state).weights.items() if percent}


def _told(state: State, verdict: Verdict | None, unseen: str | None) -> dict[str, Any]:
    return {
        "rollout": state.plan.id,
        "champion": state.plan.champion,
        "challenger": state.plan.challenger,
        "phase": state.phase.value,
        "weights": _weights(state),
        "mirror": routing(state).mirror,
        "is_paused": state.is_paused,
        "reason": state.reason,
        "unseen": unseen,
        "elapsed_seconds": state.elapsed_seconds,
        "verdict": None if verdict is None else verdict.to_json(),
    }
