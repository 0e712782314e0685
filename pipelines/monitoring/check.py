"""A check: look at every window that is due, judge it, and put what follows on record.

In this order, so that a kill at any point loses nothing: the reason to train goes into the inbox,
where telling it twice does no harm; then the window is written down as looked at; then pages are
made for people.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from pipelines.errors import DataError, ModelError, MonitorError
from pipelines.monitoring import baseline, looking, policy, records, windows
from pipelines.monitoring.action import Action
from pipelines.monitoring.baseline import VersionFiles
from pipelines.monitoring.labelled import Logs
from pipelines.monitoring.looking import Seen, Target
from pipelines.monitoring.policy import Judgement
from pipelines.monitoring.quality import Watch
from pipelines.monitoring.records import Record
from pipelines.monitoring.spans import Window, due
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import Event
from pipelines.settings import ModelSettings
from pipelines.verdicts import Outcome, Verdict, combine


@dataclass(frozen=True)
class Live:
    """The version that is watched.

    Attributes:
        model: its name in params.yaml.
        files: where the version's files are.
        since: when it went live.
        settings: of the model today.
        of_version: the settings that the version was made with.
    """

    model: str
    files: VersionFiles
    since: datetime
    settings: ModelSettings
    of_version: ModelSettings


@dataclass(frozen=True)
class Checked:
    """A window that was looked at.

    Attributes:
        record: what came of it.
        judgement: the same with what asks for a retrain; None of a window that was settled before.
        target, seen: what was compared, for pages; None where there was nothing to compare.
    """

    record: Record
    judgement: Judgement | None = None
    target: Target | None = None
    seen: Seen | None = None


def check(engine: sa.Engine, live: Live, logs: Logs, folder: Path, now: datetime) -> list[Checked]:
    """Look at all windows that are due, the oldest first.

    Args:
        engine: of the state store.
        live: what is watched.
        logs: of the model.
        folder: for what a look needs on disk.
        now: the time.

    Returns:
        At least one: where nothing is due, the last window that was settled, or why there is none.

    Raises:
        LogError: a log cannot be read.
        SettingsError: the version's expectations cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reason = _wrong_time(engine, live, now) or looking.ahead(logs, now)
    if reason:
        return [_untold(live, now, reason)]
    with tempfile.TemporaryDirectory(dir=folder, prefix=".look-") as made:
        scratch = Path(made)
        due_now = list(_due(engine, live, logs, now, scratch))
        if due_now:
            return _look_at(engine, live, logs, due_now, now, scratch)
        latest = records.latest(engine, live.model, 1, live.files.name)
        if latest:
            return [Checked(latest[0])]
        return [_untold(live, now, _waiting(live, logs, now, scratch))]


def _look_at(
    engine: sa.Engine, live: Live, logs: Logs, wanted: list[Window], now: datetime, scratch: Path
) -> list[Checked]:
    try:
        made = baseline.of_version(live.files, live.settings.monitor)
    except (MonitorError, ModelError, DataError) as error:
        # A value, not an exception: the windows wait until the reference is back.
        return [_untold(live, now, f"no reference: {error.where}: {error.problem}")]
    target = Target(logs, made, live.settings.monitor, live.of_version, scratch)
    return [_check(engine, live, target, window, now) for window in wanted]


def _wrong_time(engine: sa.Engine, live: Live, now: datetime) -> str:
    """Why the monitor's own clock cannot be right; "" when it may be."""
    for newest in records.latest(engine, live.model, 1):
        until = newest.window.until
        if until > now:
            on_record = f"a window until {until:%Y-%m-%d %H:%M} UTC is on record"
            return f"the clock went back: {on_record}, and now is {now:%Y-%m-%d %H:%M}"
    return ""


def _check(engine: sa.Engine, live: Live, target: Target, window: Window, now: datetime) -> Checked:
    monitor = live.settings.monitor
    earlier = records.latest(engine, live.model, 50, live.files.name)[::-1]
    before = [record for record in earlier if record.window.until <= window.since]
    seen = looking.look_at(target, window, _newest_watch(earlier), now)
    age = (now - live.since).total_seconds() / 86400
    look = replace(seen.look, age_days=age)
    history = [record.past for record in before if record.past is not None]
    judgement = policy.judge(look, history, window.until, monitor, live.settings.trigger)
    record = Record(
        window,
        window.key(monitor),
        now,
        look.rows,
        replace(judgement.verdict, evidence=seen.look.shown),
        judgement.action,
        judgement.past,
        _watch_after(seen, judgement),
    )
    if judgement.causes:
        inbox.offer(engine, event_of(record, judgement), now)
    records.save(engine, record)
    return Checked(record, judgement, target, seen)


def event_of(record: Record, judgement: Judgement) -> Event:
    """The reason to train again that a window gives: one event, whatever it has noticed."""
    causes = judgement.causes
    # Labels and age are known as of now, whichever window they are looked at with.
    is_of_window = causes.keys() <= {policy.COLUMNS, policy.ESTIMATE}
    return Event(
        key=record.key,
        model=record.window.model,
        version=record.window.version,
        cause=", ".join(causes),
        reason="; ".join(f"{cause}: {reason}" for cause, reason in causes.items()),
        noticed=record.window.until if is_of_window else record.at,
        evidence={**record.window.to_json(), "causes": dict(causes)},
    )


def _due(
    engine: sa.Engine, live: Live, logs: Logs, now: datetime, scratch: Path
) -> Iterator[Window]:
    """The windows to look at, the oldest first; those that were settled are not."""
    monitor, model, name = live.settings.monitor, live.model, live.files.name
    settled = [r for r in records.latest(engine, model, 50) if r.is_settled]
    last = settled[0].window.until if settled else None
    # Windows that can have no say in what lasts any more need not be looked at.
    most = monitor.persistence[1]
    if monitor.window_rows is None:
        for since, until in due(live.since, last, now, monitor.window_hours, most):
            yield Window(model, name, since, until)
        return
    since = max(filter(None, (last, live.since)))
    for _ in range(most):
        whole = Window(model, name, since, now)
        end, _ = windows.end_of_rows(logs.answers, whole, monitor.window_rows, scratch)
        if end is None:
            return
        yield Window(model, name, since, end)
        since = end


def _waiting(live: Live, logs: Logs, now: datetime, scratch: Path) -> str:
    monitor = live.settings.monitor
    if monitor.window_rows is None:
        return f"no window of {monitor.window_hours:g} h is over since {live.files.name} went live"
    window = Window(live.model, live.files.name, live.since, now)
    _, rows = windows.end_of_rows(logs.answers, window, monitor.window_rows, scratch)
    return f"{rows:,} answers, and a window has {monitor.window_rows:,}: waits"


def _newest_watch(earlier: list[Record]) -> Watch | None:
    followed = [record.watch for record in earlier if record.watch and record.watch.until]
    return max(followed, key=lambda watch: str(watch.until), default=None)


def _watch_after(seen: Seen, judgement: Judgement) -> Watch | None:
    if seen.watch is not None and policy.LABELS in judgement.causes:
        return seen.watch.rearmed()
    return seen.watch


def _untold(live: Live, now: datetime, reason: str) -> Checked:
    """What is said when nothing could be looked at; not on record, so that it is tried again."""
    verdict = combine("monitor", [Verdict("window", Outcome.INCONCLUSIVE, reason)])
    window = Window(live.model, live.files.name, now, now)
    key = window.key(live.settings.monitor)
    return Checked(Record(window, key, now, 0, verdict, Action.NOTHING, None, None))
