"""Every file that a stage reads or writes, named once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelPaths:
    """The files of one model below `root`, the folder that holds dvc.yaml."""

    root: Path
    model: str

    @property
    def folder(self) -> Path:
        return self.root / "data" / self.model

    # git
    @property
    def expectations(self) -> Path:
        return self.folder / "expectations.yaml"

    @property
    def source(self) -> Path:
        """What the source looked like when it was last recorded; ingest refuses another."""
        return self.folder / "source.json"

    @property
    def card(self) -> Path:
        """What people say of the model: purpose, intended use, limits, contact."""
        return self.folder / "card.yaml"

    @property
    def validation_summary(self) -> Path:
        return self.folder / "validation.json"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.json"

    @property
    def gate(self) -> Path:
        return self.folder / "gate.json"

    # DVC
    @property
    def raw(self) -> Path:
        """`YYYY-MM.parquet` (or `all.parquet`), `schema.json`, and `tables/NAME.parquet`."""
        return self.folder / "raw"

    @property
    def clean(self) -> Path:
        """The partitions of `raw` without the quarantined rows, and `schema.json`."""
        return self.folder / "clean"

    @property
    def quarantine(self) -> Path:
        """`rows.parquet`, and `NAME.parquet` for each side table: rows with their `reasons`."""
        return self.folder / "quarantine"

    @property
    def validation(self) -> Path:
        """`validation.json`, `index.html`: every rule with what was expected and observed."""
        return self.folder / "validation"

    @property
    def splits(self) -> Path:
        """`train`, `tuning`, `holdout`, `reference` as Parquet, `schema.json`, `split.json`."""
        return self.folder / "splits"

    @property
    def study(self) -> Path:
        """`best.json`, `trials.csv`, `history.svg`, `knobs.svg`."""
        return self.folder / "study"

    @property
    def artifact(self) -> Path:
        """`model.onnx`, `signature.json`, `golden.parquet`, `training.json`."""
        return self.folder / "model"

    @property
    def reports(self) -> Path:
        """`evaluation.json`, `attribution.json` and `report.html`."""
        return self.folder / "reports"

    @property
    def plots(self) -> Path:
        """The plots of the evaluation, as `dvc plots` shows them."""
        return self.folder / "plots"


@dataclass(frozen=True)
class HomePaths:
    """The runtime state: everything that is neither in git nor in DVC."""

    home: Path

    @property
    def database(self) -> Path:
        return self.home / "state.db"

    @property
    def worktrees(self) -> Path:
        return self.home / "worktrees"

    @property
    def studies(self) -> Path:
        return self.home / "studies"

    @property
    def pushed(self) -> Path:
        """What was last sent to which remote, one file a model."""
        return self.home / "pushed"

    @property
    def checkpoints(self) -> Path:
        """Where trainings with epochs keep how far they came."""
        return self.home / "checkpoints"

    def versions(self, model: str) -> Path:
        """The model folders of versions that were asked for, as `v3-` and twelve digits each."""
        return self.home / "versions" / model

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    def predictions(self, model: str) -> Path:
        """What the servers of a model answered."""
        return self.home / "predictions" / model

    def feedback(self, model: str) -> Path:
        """What turned out to be true of it."""
        return self.home / "feedback" / model

    @property
    def gateway(self) -> Path:
        """What Envoy reads and writes: its configuration, its access log, its admin socket."""
        return self.home / "gateway"

    @property
    def fleet(self) -> Path:
        """What Supervisor reads, and where each model server listens."""
        return self.home / "fleet"

    def monitor(self, model: str) -> Path:
        """Reports of windows that alarmed."""
        return self.home / "monitor" / model

    @property
    def timeline(self) -> Path:
        """The workspace of small snapshots that Evidently's dashboard shows, a project a model."""
        return self.home / "timeline"

    @property
    def metrics(self) -> Path:
        """What Prometheus reads: the state store as text, and where the model servers listen."""
        return self.home / "metrics"

    def replay(self, model: str) -> Path:
        """Where a replay of a model's data stands."""
        return self.home / "replay" / f"{model}.json"

    def removed(self, model: str) -> Path:
        """What a clean-up has taken out of the way, and is about to delete."""
        return self.home / "removed" / model

    @property
    def bentoml(self) -> Path:
        return self.home / "bentoml"

    @property
    def servers(self) -> Path:
        """A folder for each model server that runs: what only its own processes share."""
        return self.home / "servers"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def prefect(self) -> Path:
        return self.home / "prefect"

    @property
    def logs(self) -> Path:
        return self.home / "logs"


# Set for a run, whose own folder is a work tree that holds committed files only.
PROJECT = "EVERGREEN_PROJECT"
HOME = "EVERGREEN_HOME"


def in_project(path: Path) -> Path:
    """Where a relative path of params.yaml leads: it begins at the project's root.

    That is the current folder, except in a run, which works elsewhere: data that git does not
    carry must be found all the same.
    """
    return path if path.is_absolute() else Path(os.environ.get(PROJECT, "")) / path


def home(root: Path) -> HomePaths:
    """The runtime state of the project in `root`; EVERGREEN_HOME moves it."""
    return HomePaths(Path(os.environ.get(HOME) or root / ".evergreen").resolve())
