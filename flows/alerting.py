"""What the verbs of alerts do: open the project, and ask `pipelines.alerting`."""

from __future__ import annotations

from pathlib import Path

from pipelines import settings
from pipelines.alerting import exposition as metrics
from pipelines.alerting import reading, targets, telling, told
from pipelines.alerting.sending import Delivery
from pipelines.alerting.telling import Looked
from pipelines.alerting.told import Alert
from pipelines.files import write_json
from pipelines.fleet import ports
from pipelines.fleet.layout import Layout
from pipelines.paths import home
from pipelines.state import store


def try_out(root: Path) -> list[Delivery]:
    """Send a test message.

    Raises:
        AlertError: no address is known.
    """
    return telling.try_out(settings.load(root).alerts)


def send(root: Path) -> Looked:
    """One look at the store of a project; see `telling.look`."""
    return telling.look(store.connect(home(root).database), settings.load(root))


def listed(root: Path) -> list[Alert]:
    """What people were told, the newest first."""
    return told.listed(store.connect(home(root).database))


def exposition(root: Path) -> str:
    """The metrics of a project's state store."""
    engine = store.connect(home(root).database)
    return metrics.exposition(reading.read(engine, settings.load(root)))


def write_targets(root: Path, path: Path) -> None:
    """Write where Prometheus finds the model servers of the local stack."""
    write_json(targets.targets(ports.read(Layout.of(home(root)).ports)), path)
