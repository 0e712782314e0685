"""A throwaway clone with versions to release, a stack of its own, and clients that may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from flows.drills.door import Door, Row, Subject
from flows.quick import one_model
from flows.throwaway import MODEL, Demo, module, prefect_part, retrained
from pipelines import settings
from pipelines.errors import WorkspaceError
from pipelines.gateway.access_log import Access, read_access_log
from pipelines.paths import HomePaths
from pipelines.ports import free_ports
from pipelines.rollout import store as rollouts
from pipelines.settings import PARAMS_FILE
from pipelines.signature import Signature
from pipelines.stack import secured
from pipelines.state import store
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from pipelines.versioning.holdouts import holdout

CHAMPION, GOOD, WRONG = "v1", "v2", "v3"
_MONTHS = ("2013-01", "2013-02", "2013-03")
_SUBJECTS = 3
_ROWS = 2000
_TIER = "drill"
# The client in whose name faults are planted.
ADMIN = "drills"


@dataclass(frozen=True)
class Ground:
    """Where drills take place.

    Attributes:
        demo: runs verbs in the clone.
        engine: the clone's state store.
    """

    demo: Demo
    engine: sa.Engine

    @classmethod
    def of(cls, demo: Demo) -> Ground:
        return cls(demo, store.connect(demo.home.database))

    @property
    def home(self) -> HomePaths:
        return self.demo.home

    def has_open_rollout(self) -> bool:
        """Whether one is on its way."""
        return rollouts.current(self.engine, MODEL) is not None

    def accesses(self, begin: float, end: float) -> list[Access]:
        """What the gateway wrote of the model's requests between two moments, unix seconds."""
        log = read_access_log(self.home.gateway, begin, end)
        return [each for each in log if each.model == MODEL]

    def door(self) -> Door:
        """Where clients ask, and rows that the versions were not trained on."""
        known = settings.load(self.demo.clone)
        authority = self.home.keys / "tls" / "authority.pem"
        return Door(secured.public_url(known), authority, MODEL, self._rows())

    def subject(self, name: str, scope: str) -> Subject:
        """A new client of the token endpoint."""
        given = self.demo.evergreen("client", "add", name, "--scope", scope, "--tier", _TIER)
        return Subject(given["client_id"], given["client_secret"], scope)

    def subjects(self) -> list[Subject]:
        """Those who ask."""
        return [self.subject(f"shop-{number}", f"predict:{MODEL}") for number in range(_SUBJECTS)]

    def _rows(self) -> list[Row]:
        import pandas as pd

        repository = Repository(self.demo.clone)
        version = versions.find(repository, MODEL, GOOD)
        folder = versions.model_folder(repository, self.home, version)
        schema = Signature.read(folder).schema
        frame = pd.read_parquet(holdout(repository, self.home, version)).head(_ROWS)
        bodies = json.loads(frame[list(schema.features)].to_json(orient="records"))
        labels = frame[schema.target].astype("int64").astype(str)
        return [
            Row(json.dumps({"rows": [body]}).encode(), label)
            for body, label in zip(bodies, labels, strict=True)
        ]


def prepare(demo: Demo) -> Ground:
    """Two versions that passed the gate, and one that never should have.

    Raises:
        EvergreenError: a retrain did not go as it must.
    """
    set_params(demo.clone)
    with prefect_part(demo):
        for version, until in ((CHAMPION, _MONTHS[1]), (GOOD, _MONTHS[2])):
            made = retrained(demo, f"train {version}, through {until}", until)
            if made["version"] != f"{MODEL}@{version}":
                raise WorkspaceError(
                    f"no {version} came of it: {made['verdict']['reason']}",
                    where=str(demo.log),
                    next_step="mend what the gate names; drills need two versions",
                )
    with demo.part(f"register {WRONG}, which answers the opposite of {GOOD}"):
        module(demo, "flows.drills.copied", "opposite", MODEL, GOOD)
    return Ground.of(demo)


def set_params(clone: Path) -> None:
    """Write and commit the parameters of a drill."""
    file = clone / PARAMS_FILE
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    ports = free_ports(3)
    file.write_text(
        yaml.safe_dump(params(content["models"][MODEL], ports), sort_keys=False), encoding="utf-8"
    )
    settings.load(clone)
    Repository(clone).commit_all("Set what drills need", PARAMS_FILE)


def params(model: dict[str, Any], ports: list[int]) -> dict[str, Any]:
    """The parameters of a drill: one model, trained quickly, and released in seconds.

    Args:
        model: its own parameters.
        ports: of the gateway, of its metrics, and of the token endpoint.
    """
    given: dict[str, dict[str, Any]] = {
        "ingest": {"since": _MONTHS[0], "until": _MONTHS[1]},
        "split": {"tuning_days": 3, "holdout_days": 10},
        "tune": {"trials": 2, "workers": 1},
        "evaluate": {"bootstrap_rounds": 100, "importance_rows": 200},
        # What is drilled is the release, and not the gate before it.
        "gate": {"margin": 0.05, "calibration_margin": 0.2, "slice_margin": 0.3},
    }
    return one_model(model, given, ports, {_TIER: {"per_second": 1000, "burst": 2000}})


@contextmanager
def stack(demo: Demo) -> Iterator[None]:
    """The clone's stack while the block runs."""
    with demo.part("start the stack"):
        demo.evergreen("up")
    try:
        yield
    finally:
        with demo.part("end the stack"):
            demo.evergreen("down")
