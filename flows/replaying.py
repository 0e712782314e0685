"""Real months as traffic through the gateway, with their labels following."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pipelines import registry, settings
from pipelines.datasets.base import Dataset
from pipelines.errors import SettingsError
from pipelines.paths import home
from pipelines.progress import progress
from pipelines.replaying import rows, standing
from pipelines.replaying.schedule import Asked, Told, merged, seconds_until
from pipelines.replaying.sending import Client
from pipelines.replaying.standing import Standing
from pipelines.settings import ModelSettings, Settings
from pipelines.stack import secured

# Well below the ten minutes that a token lives.
_TOKEN_SECONDS = 120.0
# A server that answers none of so many is not asked what it is for.
_MOST_UNFIT = 20


@dataclass(frozen=True)
class Asking:
    """How a replay is sent.

    Attributes:
        speed: seconds of the data in one of ours.
        rate: requests a second at most; a replay that falls behind sends later, and nothing less.
        url: of the model; None for the gateway of this project.
        client: whose tokens are used; None where the gateway asks for none.
    """

    speed: float
    rate: float
    url: str | None = None
    client: str | None = None


def replay(root: Path, model: str, wanted: Standing, asking: Asking, *, again: bool) -> Standing:
    """Send months as traffic, or go on with the replay of these months that was ended.

    Returns:
        How far it came, which is the end.

    Raises:
        SettingsError: there is no such model, no such months, a token is missing, or another replay
            is under way.
        EvergreenError: the data cannot be read, or nobody answers.
    """
    known = settings.load(root)
    chosen, path = known.model(model), home(root).replay(model)
    begun = None if again else standing.read(path)
    if begun is not None and not begun.is_of(wanted):
        raise SettingsError(
            f"a replay of {begun.first} to {begun.last} is under way, until {begun.at}",
            where=str(path),
            next_step="go on with the same options, or begin from the first month with --again",
        )
    with client_of(root, known, model, asking.client, asking.url) as client:
        return _send(events(model, chosen, wanted), begun or wanted, asking, client, path)


def client_of(
    root: Path, known: Settings, model: str, client: str | None, url: str | None = None
) -> Client:
    """A client of the model's gateway.

    Args:
        root: the project.
        known: its settings.
        model: its name in params.yaml.
        client: whose tokens are used; None where the gateway asks for none.
        url: of the model; None for the gateway of this project.

    Raises:
        SettingsError: a token is missing.
    """
    token = _tokens(root, known, client)
    address = url or f"{secured.public_url(known)}/{model}"
    return Client(address, token, _authority(root, known, url))


def until_of_replay(root: Path, model: str) -> dict[str, Any] | None:
    """Which data a retrain may see while a replay says what time it is: months that are over there.

    Raises:
        StateError: the standing of the replay is damaged.
    """
    found = standing.read(home(root).replay(model))
    until = settings.load(root).model(model).ingest.until
    if found is None or found.month is None or (until is not None and found.month <= until):
        return None
    return {"ingest.until": found.month}


def events(model: str, chosen: ModelSettings, wanted: Standing) -> Iterator[Asked | Told]:
    """The months of a replay as requests and their labels, in the order of their times.

    Raises:
        EvergreenError: the data cannot be read, or has no days.
    """
    months = {"since": wanted.first, "until": wanted.last}
    ingest = type(chosen.ingest).model_validate({**chosen.ingest.model_dump(), **months})
    dataset: Dataset = registry.load(registry.DATASETS, ingest.dataset)()
    read = dataset.read(ingest)
    days = (
        rows.by_day(model, month, read.schema, wanted.most_rows) for _, month in read.partitions
    )
    asked = chain.from_iterable(chain.from_iterable(days))
    return merged(asked, timedelta(hours=wanted.delay_hours))


def _send(
    events: Iterator[Asked | Told], begun: Standing, asking: Asking, client: Client, path: Path
) -> Standing:
    """Send what is left, each at its time, and write down each."""
    now, pace = begun, _Pace(asking)
    total = rows.days_of(begun.first, begun.last, timedelta(hours=begun.delay_hours))
    begin = datetime.fromisoformat(f"{begun.first}-01")
    with progress("days", total) as on_progress:
        for event in islice(events, begun.asked + begun.told, None):
            pace.wait(event.at)
            is_refused = False
            if isinstance(event, Asked):
                is_refused = not client.ask(event.request)
            else:
                client.tell(event.request)
            now = now.after(event, is_refused=is_refused)
            standing.write(now, path)
            _require_some_answers(now, path)
            on_progress((event.at - begin).days, total)
        on_progress(total, total)
    return now


class _Pace:
    """Waits until it is time: the data's clock, `speed` times as fast as ours."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._began: tuple[datetime, float] | None = None
        self._last = -1.0

    def wait(self, at: datetime) -> None:
        first, started = self._began = self._began or (at, time.monotonic())
        elapsed = time.monotonic() - started
        late = seconds_until(at, first, elapsed, self._asking.speed)
        soon = self._last + 1 / self._asking.rate - time.monotonic()
        time.sleep(max(0.0, late, soon))
        self._last = time.monotonic()


def _require_some_answers(now: Standing, path: Path) -> None:
    if now.refused == now.asked >= _MOST_UNFIT:
        raise SettingsError(
            f"all of the first {now.asked} requests were refused for what they say",
            where=str(path),
            next_step="is another model, or another version of its columns, being served?",
        )


def _tokens(root: Path, known: Settings, client: str | None) -> Callable[[], str | None]:
    """Gives a token that is valid now."""
    if client is None and known.identity.mode == "off":
        return lambda: None
    if client is None:
        raise SettingsError(
            "the gateway answers nobody without a token",
            where="--client",
            next_step="`evergreen client add replay --scope predict:* --scope feedback`; name it",
        )
    from flows.identity import issue

    kept: list[tuple[float, str]] = []

    def token() -> str:
        if not kept or time.monotonic() > kept[-1][0] + _TOKEN_SECONDS:
            made = str(issue(root, client, None)["access_token"])
            kept[:] = [(time.monotonic(), made)]
        return kept[-1][1]

    return token


def _authority(root: Path, known: Settings, url: str | None) -> Path | None:
    """Who vouches for the gateway of this machine; elsewhere it is somebody whom all trust."""
    if url is not None or known.gateway.tls.mode != "local":
        return None
    return home(root).keys / "tls" / "authority.pem"
