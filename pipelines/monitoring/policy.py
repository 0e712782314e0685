"""From what was seen to what follows: a verdict, and whether a retrain is asked for. Pure.

Four things can ask for one: labels that show a loss above its limit, answers that promise too
little, columns that drifted for good, and the age of the version. (The fifth, a person, asks the
inbox directly.) Broken data asks for none, and neither does a server that says something else than
its model: training would teach the fault, or miss it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipelines.monitoring import wording
from pipelines.monitoring.action import Action
from pipelines.monitoring.evidence import LabelEvidence, Look, Past
from pipelines.settings import MonitorSettings, TriggerSettings
from pipelines.verdicts import Outcome, Verdict, combine

LABELS = "labelled quality"
ESTIMATE = "estimated quality"
COLUMNS = "columns"
SCHEDULE = "schedule"


@dataclass(frozen=True)
class Judgement:
    """What came of a look.

    Attributes:
        verdict: PASSED only if all that is to be looked at was, and is fine.
        action: what follows.
        causes: which of the four ask for a retrain, each with its reason.
        past: what later looks need to know of this one; None where its columns could not be
            compared, so that it has no say in what lasts.
    """

    verdict: Verdict
    action: Action
    causes: dict[str, str]
    past: Past | None


def judge(
    look: Look,
    history: Sequence[Past],
    until: datetime,
    settings: MonitorSettings,
    triggers: TriggerSettings,
) -> Judgement:
    """Judge one window.

    Args:
        look: what was seen.
        history: the earlier windows of the same version that could be compared, the oldest first.
        until: the end of this window.
        settings, triggers: of the model.
    """
    blocked = _blocked(look, settings)
    if blocked is not None:
        verdict, action = blocked
        return Judgement(combine("monitor", [verdict]), action, {}, None)
    ratios = {shift.name: shift.ratio for shift in look.shifts if shift.is_important}
    beyond = {shift.name for shift in look.shifts if shift.is_important and shift.has_drifted}
    if look.estimated is not None:
        ratios[ESTIMATE] = max(0.0, look.estimated.drop) / settings.quality_drop
        beyond |= {ESTIMATE} if ratios[ESTIMATE] >= 1 else set()
    now = Past(until, ratios, frozenset(beyond))
    lasting = _lasting([*history, now], settings)
    # What asked already asks again only after it was over once.
    fresh = {name for name in lasting if _is_armed(name, history, triggers.rearm_share)}
    parts = list(_parts(look, now, lasting, fresh, settings, triggers))
    causes = {
        part.name: part.reason
        for part in parts
        if part.evidence.get("asks") and part.outcome is Outcome.FAILED
    }
    action = Action.RETRAIN if causes else Action.NOTHING
    past = replace(now, fired=frozenset(fresh)) if look.shifts else None
    return Judgement(combine("monitor", parts), action, causes, past)


def _blocked(look: Look, settings: MonitorSettings) -> tuple[Verdict, Action] | None:
    """What has to be mended, or waited for, before anything else can be said."""
    if look.unreadable:
        return Verdict("window", Outcome.INCONCLUSIVE, look.unreadable), Action.NOTHING
    if look.faults:
        said = "; ".join(map(str, look.faults[:5]))
        more = f"; and {len(look.faults) - 5} more" if len(look.faults) > 5 else ""
        reason = f"broken data, put into quarantine: {said}{more}"
        evidence = {"faults": [str(fault) for fault in look.faults]}
        return Verdict("data", Outcome.FAILED, reason, evidence), Action.QUARANTINE
    if look.skew is not None and not look.skew.distance <= settings.skew_tolerance:
        reason = (
            f"the server is not what was trained: {look.skew.distance:.3g} between its answers and "
            f"the version's in {look.skew.rows:,} rows, {settings.skew_tolerance:g} allowed"
        )
        return Verdict("skew", Outcome.FAILED, reason), Action.MEND
    if look.labels is not None and look.labels.is_turned_around:
        assert look.labels.realised.quality is not None
        reason = (
            f"broken labels: {wording.interval(look.labels.realised.quality)}, which is worse than "
            "guessing; somebody turned them around"
        )
        return Verdict("data", Outcome.FAILED, reason), Action.QUARANTINE
    return None


def _parts(
    look: Look,
    now: Past,
    lasting: set[str],
    fresh: set[str],
    settings: MonitorSettings,
    triggers: TriggerSettings,
) -> Iterator[Verdict]:
    if look.rows < settings.minimum_rows:
        reason = f"{look.rows:,} answers, and {settings.minimum_rows:,} are needed: waits"
        yield Verdict("window", Outcome.INCONCLUSIVE, reason)
    else:
        yield Verdict("data", Outcome.PASSED, f"{look.rows:,} answers, nothing broken in them")
        yield _of_columns(look, now, lasting - {ESTIMATE}, fresh - {ESTIMATE}, settings)
    for unchecked in look.unchecked:
        yield Verdict("unchecked", Outcome.INCONCLUSIVE, unchecked)
    if look.skew is not None:
        reason = f"{look.skew.distance:.3g} at most between logged answers and the version's"
        yield Verdict("skew", Outcome.PASSED, reason)
    if look.labels is not None:
        yield _of_labels(look.labels, settings)
    if look.estimated is not None:
        yield _of_estimate(look, now, lasting, fresh, settings)
    if triggers.schedule_days is not None:
        is_old = look.age_days > triggers.schedule_days
        reason = f"live for {look.age_days:.3g} days of {triggers.schedule_days:g}"
        yield _verdict(SCHEDULE, is_old, reason, asks=is_old)


def _of_labels(labels: LabelEvidence, settings: MonitorSettings) -> Verdict:
    said = wording.of_labels(labels)
    if labels.has_alarmed:
        reached, needed = labels.log_evidence
        reason = (
            f"the loss is above {labels.loss_limit:.4g}: evidence {wording.e_value(reached)} of "
            f"{wording.e_value(needed)} needed; {said}"
        )
        return _verdict(LABELS, True, reason, asks=True)
    problem = labels.lack(settings)
    if problem:
        return Verdict(LABELS, Outcome.INCONCLUSIVE, f"{problem}; {said}")
    return Verdict(LABELS, Outcome.PASSED, said)


def _of_estimate(
    look: Look, now: Past, lasting: set[str], fresh: set[str], settings: MonitorSettings
) -> Verdict:
    assert look.estimated is not None
    floor = look.estimated.at_release - settings.quality_drop
    reason = f"{look.estimated.value:.4f} is promised, {floor:.4f} is the floor"
    if ESTIMATE not in lasting:
        once = ", for now" if ESTIMATE in now.beyond else ""
        return Verdict(ESTIMATE, Outcome.PASSED, reason + once)
    is_fresh = ESTIMATE in fresh
    return _verdict(ESTIMATE, True, reason + wording.asked_already(is_fresh), asks=is_fresh)


def _of_columns(
    look: Look, now: Past, lasting: set[str], fresh: set[str], settings: MonitorSettings
) -> Verdict:
    shown = [shift for shift in look.shifts if shift.name in lasting]
    evidence = {"columns": [shift.to_json() for shift in look.shifts[:20]]}
    if not look.shifts:
        return Verdict(COLUMNS, Outcome.INCONCLUSIVE, "no column is logged that could be compared")
    if not lasting:
        reason = wording.calm(look.shifts, now.beyond, settings)
        return Verdict(COLUMNS, Outcome.PASSED, reason, evidence)
    reason = wording.drifted(shown, settings)
    return _verdict(
        COLUMNS, True, reason + wording.asked_already(bool(fresh)), asks=bool(fresh), **evidence
    )


def _lasting(windows: Sequence[Past], settings: MonitorSettings) -> set[str]:
    """The signals of the newest window that were beyond in enough of the last ones."""
    needed, of = settings.persistence
    newest = windows[-1].beyond
    return {name for name in newest if sum(name in past.beyond for past in windows[-of:]) >= needed}


def _is_armed(name: str, history: Sequence[Past], rearm_share: float) -> bool:
    """Whether a signal may ask: it never did, or it was over since."""
    for past in reversed(history):
        if name in past.fired:
            return False
        if past.ratios.get(name, 0.0) < rearm_share:
            return True
    return True


def _verdict(name: str, is_failed: bool, reason: str, *, asks: bool, **evidence: object) -> Verdict:
    outcome = Outcome.FAILED if is_failed else Outcome.PASSED
    return Verdict(name, outcome, reason, {"asks": asks, **evidence})
