"""May it go? Pure: what there is and what is needed in, a ruling with its reason out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pipelines.cleaning.items import Item, Kind, Ruling
from pipelines.cleaning.needs import Needs
from pipelines.state import runs

# What is being made has no name in the store yet.
_YOUNG = timedelta(days=1)


def plan(items: Iterable[Item], needs: Needs, now: datetime, report_days: float) -> list[Ruling]:
    """Rule on each item.

    Unknown never goes: what belongs to nothing that the store knows is kept, and said.

    Args:
        items: of one model.
        needs: of the same model.
        now: the time.
        report_days: how long pages of what came to nothing are kept.
    """
    return [_rule(item, needs, now, timedelta(days=report_days)) for item in items]


def _rule(item: Item, needs: Needs, now: datetime, pages: timedelta) -> Ruling:
    assert item.model == needs.model
    if item.kind is Kind.PREDICTIONS:
        return _aged(item, now, timedelta(days=needs.retention_days), "answers are kept")
    if item.kind in (Kind.WORKTREE, Kind.BRANCH):
        return _of_run(item, needs)
    if item.kind is Kind.CHECKPOINT:
        return _checkpoint(item, needs, now)
    if item.version is None:
        return _page(item, needs, now, pages)
    if item.kind is Kind.REPORT:
        return Ruling(item, False, "the report of a version")
    return _of_version(item, needs, now)


def _of_version(item: Item, needs: Needs, now: datetime) -> Ruling:
    assert item.version is not None
    if not item.is_whole:
        return _aged(item, now, _YOUNG, "what is being made is left")
    if item.kind is Kind.BENTO and (ruling := _other_build(item, needs, now)):
        return ruling
    if needed := needs.versions.get(item.version):
        return Ruling(item, False, needed)
    again = "; fetched again when asked for" if item.kind is Kind.VERSION else ""
    return Ruling(item, True, f"nothing needs {item.version} any more{again}")


def _other_build(item: Item, needs: Needs, now: datetime) -> Ruling | None:
    """The ruling on a build that no run has registered; None of the one that was."""
    tag = needs.bentos.get(item.version or "")
    if tag == f"{item.model}:{item.place.name}":
        return None
    if tag is not None:
        return Ruling(item, True, f"{item.version} was registered with another build")
    if item.version in needs.versions:
        return None
    if _goes_on(needs):
        return Ruling(item, False, "a retrain goes on, and may have built it")
    return _aged(item, now, _YOUNG, "what no run has registered yet is left")


def _of_run(item: Item, needs: Needs) -> Ruling:
    run = needs.runs.get(item.run or "")
    if run is None:
        return Ruling(item, False, "of a run that the store does not know")
    if run.status == runs.RUNNING:
        return Ruling(item, False, "its run goes on")
    if item.kind is Kind.WORKTREE:
        return Ruling(item, True, f"its run is {run.status}")
    if run.id == needs.base:
        return Ruling(item, False, "the next retrain takes finished work from it")
    if run.status in (runs.REFUSED, runs.FAILED, runs.ABANDONED):
        return Ruling(item, True, f"its run is {run.status}")
    return Ruling(item, False, f"{run.version} is on it")


def _checkpoint(item: Item, needs: Needs, now: datetime) -> Ruling:
    if _goes_on(needs):
        return Ruling(item, False, "a retrain goes on, and may take it up")
    return _aged(item, now, _YOUNG, "a training by hand may take it up, so it is left")


def _page(item: Item, needs: Needs, now: datetime, pages: timedelta) -> Ruling:
    run = needs.runs.get(item.run or "")
    if item.run is not None and run is None:
        return Ruling(item, False, "of a run that the store does not know")
    return _aged(item, now, pages, "pages are kept")


def _goes_on(needs: Needs) -> bool:
    """Whether a retrain runs, or was killed and will be taken up."""
    return any(run.status == runs.RUNNING for run in needs.runs.values())


def _aged(item: Item, now: datetime, most: timedelta, kept: str) -> Ruling:
    age = (now - item.last) / timedelta(days=1)
    days = most / timedelta(days=1)
    if now - item.last <= most:
        return Ruling(item, False, f"{age:.1f} days old, {kept} for {days:g}")
    return Ruling(item, True, f"{age:.1f} days old, and {kept} for {days:g}")
