"""A year of a live model in process, at the clock of its data; run inside a throwaway clone.

Real flights are answered by the live version's graph and logged as a server logs them, their truth
follows, and once a day the monitor looks. What it starts is retrained, judged and made live by the
code that `evergreen` runs, which sees the months that are over by then and nothing of what comes
later. Only the doors are left out: no gateway, no server, and a retrain takes no time of the data.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows import monitoring, replaying
from flows.retraining import retrain
from flows.status import live_version
from pipelines import settings
from pipelines.files import write_json
from pipelines.inference.encode import encode_rows
from pipelines.inference.session import ModelSession
from pipelines.monitoring.triggers import inbox
from pipelines.paths import HomePaths, home
from pipelines.predictions.feedback import Feedback
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.replaying import standing
from pipelines.replaying.schedule import Asked, Request, Told
from pipelines.replaying.standing import Standing
from pipelines.state import store
from pipelines.versioning import versions
from pipelines.versioning.git import Repository

MODEL, UNTIL, FIRST, LAST = "flights", "2013-03", "2013-04", "2013-12"
LABEL_HOURS, REQUEST_ROWS = 24.0, 50
DAY = timedelta(days=1)
_CLOSE_SECONDS = 60.0
_ALL = 1000


@dataclass(frozen=True)
class Live:
    """The version that answers, and since when by the clock of the data."""

    name: str
    session: ModelSession
    since: datetime


@dataclass(frozen=True)
class Start:
    """A retrain that the monitor started: when, why, with data until when, and what came of it."""

    at: str
    cause: str
    reason: str
    until: str
    came: str
    seconds: float


@dataclass
class Answers:
    """What was said of one day's flights by the live version and by the first one."""

    version: list[str] = field(default_factory=list)
    truth: list[float | None] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    frozen: list[float] = field(default_factory=list)


@dataclass
class Life:
    """The state of the year."""

    root: Path
    log: LogPolicy
    standing: Standing
    live: Live
    frozen: ModelSession
    days: dict[str, Answers] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)
    looks: dict[str, int] = field(default_factory=dict)

    @property
    def home(self) -> HomePaths:
        return home(self.root)

    def live_through(self, events: list[Asked | Told], until: datetime) -> None:
        """A day: its flights are answered, the truth of others comes, and the monitor looks."""
        schema = self.live.session.signature.schema
        answers = PredictionLog.open(self.home.predictions(MODEL), schema, self.log, None)
        labels = Feedback.open(self.home.feedback(MODEL), schema)
        for event in events:
            if isinstance(event, Asked):
                self._answer(event.request, answers)
            else:
                _tell(event, labels)
            self.standing = self.standing.after(event, is_refused=False)
        answers.close(_CLOSE_SECONDS)
        labels.close(_CLOSE_SECONDS)
        self.standing = replace(self.standing, at=until.replace(tzinfo=None).isoformat())
        standing.write(self.standing, self.home.replay(MODEL))
        self._look(until)

    def _answer(self, request: Request, log: PredictionLog) -> None:
        begun = time.perf_counter()
        tensors = encode_rows(self.live.session.signature.schema, request.rows)
        answered = self.live.session.predict(tensors)
        taken = log.offer(
            Answered(
                version=self.live.name,
                requests=[
                    AnsweredRequest(
                        request_id=request.id,
                        arrived_ns=_nanoseconds(request.at),
                        door="rest",
                        is_shadow=False,
                        latency_us=round(1e6 * (time.perf_counter() - begun)),
                        rows=len(request.rows),
                    )
                ],
                tensors=tensors,
                outputs={"probability": answered.scores, "label": answered.labels},
            )
        )
        assert taken, "the log has room for a day"
        day = self.days.setdefault(f"{request.at:%Y-%m-%d}", Answers())
        day.version += [self.live.name] * len(request.rows)
        day.truth += [None if label is None else float(label) for label in request.labels]
        day.live += answered.scores.tolist()
        day.frozen += self.frozen.predict(tensors).scores.tolist()

    def _look(self, now: datetime) -> None:
        found = monitoring.monitor(
            self.root, MODEL, now, live_since=self.live.since, has_pages=False
        )
        newest = found.windows[-1]
        if newest.at == now:
            said = f"{newest.verdict.outcome.value}, {newest.action.value}"
            self.looks[said] = self.looks.get(said, 0) + 1
            _say(f"{now:%Y-%m-%d} {said}: {newest.verdict.reason}")
        if found.start is not None:
            self._retrain(found.start, now)

    def _retrain(self, start: monitoring.Start, now: datetime) -> None:
        given = replaying.until_of_replay(self.root, MODEL)
        begun = time.monotonic()
        came = monitoring.retrain_for(
            self.root, MODEL, start.trigger.id, start.attempt, given, at=now
        )
        event = start.trigger.event
        until = (given or {}).get("ingest.until", UNTIL)
        seconds = time.monotonic() - begun
        self.starts.append(Start(now.isoformat(), event.cause, event.reason, until, came, seconds))
        _say(f"{now:%Y-%m-%d} retrained until {until}: {came}")
        self.live = _live(self.root, self.live, now)


def main(out: Path) -> None:
    root = Path.cwd()
    retrain(MODEL, {"ingest.until": UNTIL}, f"the first version, until {UNTIL}", True, root)
    begin = datetime.fromisoformat(f"{FIRST}-01").replace(tzinfo=UTC)
    live = _live(root, None, begin)
    chosen = settings.load(root).model(MODEL)
    # The rows are of a time long gone, and would be removed as old.
    log = replace(LogPolicy(**chosen.serve.log.model_dump()), retention_days=36500)
    wanted = Standing(FIRST, LAST, LABEL_HOURS, REQUEST_ROWS)
    life = Life(root, log, wanted, live, live.session)
    today: list[Asked | Told] = []
    end = begin + DAY
    for event in replaying.events(MODEL, chosen, wanted):
        while event.at.replace(tzinfo=UTC) >= end:
            life.live_through(today, end)
            today, end = [], end + DAY
        today.append(event)
    life.live_through(today, end)
    triggers = inbox.listed(store.connect(home(root).database), MODEL, most=_ALL)
    content = {
        "days": {day: asdict(answers) for day, answers in life.days.items()},
        "starts": [asdict(start) for start in life.starts],
        "looks": life.looks,
        "triggers": [trigger.to_json() for trigger in triggers[::-1]],
    }
    write_json(content, out)


def _live(root: Path, before: Live | None, now: datetime) -> Live:
    """The live version; the one of before if it still is."""
    version = live_version(root, MODEL)
    if before is not None and before.name == version.name:
        return before
    folder = versions.model_folder(Repository.at(root), home(root), version)
    return Live(version.name, ModelSession.open(folder), now)


def _tell(event: Told, labels: Feedback) -> None:
    known = [(row, label) for row, label in enumerate(event.request.labels) if label is not None]
    labels.add(
        [event.request.id] * len(known),
        [label for _, label in known],
        [row for row, _ in known],
        _nanoseconds(event.at),
    )


def _nanoseconds(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp() * 1e6) * 1000


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
