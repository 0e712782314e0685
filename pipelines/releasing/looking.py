"""What a tick sees: the events that it has to tell the machine."""

from __future__ import annotations

from dataclasses import replace

from pipelines import settings
from pipelines.errors import EvergreenError
from pipelines.observing.observe import observe, watermark
from pipelines.observing.sources import Sources
from pipelines.releasing.project import Project
from pipelines.releasing.router import Applied
from pipelines.releasing.writing import EVERGREEN
from pipelines.rollout import store, waiting
from pipelines.rollout.events import Aborted, Event, Looked, Ready, Unseen
from pipelines.rollout.evidence import NO_PAIRS, ShadowPairs
from pipelines.rollout.instant import Instant
from pipelines.rollout.plan import MIRROR
from pipelines.rollout.state import Phase, State
from pipelines.state import ledger
from pipelines.state.clock import seconds_of
from pipelines.versioning import versions

# Live pairs are the better ones: a mirror waits for them this share of its time.
_REPLAY_AFTER = 0.25


def events(
    project: Project, state: State, applied: Applied, sources: Sources, now: Instant
) -> list[Event]:
    """What happened since the last tick, in order.

    Args:
        project: where.
        state: of the open rollout.
        applied: what the router says of the versions.
        sources: the logs.
        now: the moment.
    """
    live = ledger.live(project.engine, state.plan.model)
    if live is None or live.version != state.plan.champion:
        now_live = live.version if live else "nothing"
        why = f"{now_live} became live meanwhile, and was not what this was compared with"
        return [Aborted(EVERGREEN, why)]
    is_ready = state.plan.challenger in applied.ready
    seen = look(project, state, sources, now)
    if state.phase is Phase.PENDING:
        return [seen, Ready()] if is_ready else [seen]
    if is_ready or _speaks_of_the_challenger(seen):
        return [seen]
    return [_down(state, applied, now)]


def look(project: Project, state: State, sources: Sources, now: Instant) -> Event:
    """The evidence since the last look, or why there is none."""
    end = watermark(now.wall)
    if end <= state.position:
        return Unseen("the clock of this machine is behind what was read already")
    try:
        evidence = observe(sources, state.plan, state.position, end)
        more = _replayed(project, state, sources, now)
    except EvergreenError as error:
        # Whoever looks at the rollout reads it as its reason; nobody is exposed to it for long.
        return Unseen(f"the evidence cannot be read: {error.where}: {error.problem}")
    return Looked(replace(evidence, pairs=evidence.pairs + more))


def _speaks_of_the_challenger(seen: Event) -> bool:
    return isinstance(seen, Looked) and any(
        exposure.challenger.requests for exposure in seen.evidence.exposures
    )


def _down(state: State, applied: Applied, now: Instant) -> Event:
    """The challenger does not answer, and no request says so: nothing was seen of it.

    What happened before it went is read when it is back.
    """
    plan = state.plan
    why = applied.problems.get(plan.challenger, "it is not among what runs")
    unseen = waiting.pass_time(state, now).elapsed_seconds - state.seen_seconds
    if unseen >= plan.settings.ready_minutes * 60:
        return Aborted(EVERGREEN, f"{plan.challenger} does not answer: {why}")
    return Unseen(f"{plan.challenger} does not answer: {why}")


def _replayed(project: Project, state: State, sources: Sources, now: Instant) -> ShadowPairs:
    """Pairs from logged requests, once, when a mirror has waited for live ones for long.

    All that are needed or none: fewer would be replayed, and counted, at each tick.
    """
    from pipelines.releasing.replay import Models, replay  # brings the ONNX runtime along

    plan = state.plan
    wanted = plan.settings.minimum_pairs
    waited = waiting.seconds_here(waiting.pass_time(state, now))
    if (
        state.phase is not Phase.MIRRORING
        or plan.stages[state.stage] != MIRROR
        or state.tally.pairs.count >= wanted
        or waited < _REPLAY_AFTER * plan.settings.deadline_hours * 3600
    ):
        return NO_PAIRS
    chosen = settings.load(project.root).model(plan.model)
    old, new = (
        versions.model_folder(
            project.repository,
            project.home,
            versions.find(project.repository, plan.model, name),
        )
        for name in (plan.champion, plan.challenger)
    )
    models = Models(old, new, chosen.serve.log.identifiers)
    began = seconds_of(store.history(project.engine, plan.id)[0].at)
    pairs = replay(sources.predictions, plan, models, began)
    return pairs if pairs.count >= wanted else NO_PAIRS
