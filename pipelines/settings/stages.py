"""One class per stage of a model, named as the stage is; and the gate, which follows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines import registry
from pipelines.schema import Task
from pipelines.settings.fields import (
    DatasetName,
    FamilyName,
    Month,
    Objectives,
    Positive,
    PostgresUrl,
    PrunerName,
    SamplerName,
    SchedulerAddress,
    Section,
    Share,
)

_ONE_OBJECTIVE = {"annealing", "cmaes"}


class IngestSettings(Section):
    """Where the data comes from, which months of it are used, and what is asked of it.

    `task` null is what the dataset is by itself; for a table that is binary.
    """

    dataset: DatasetName
    source: str = Field(min_length=1)
    since: Month | None = None
    until: Month | None = None
    task: Task | None = None
    target: str | None = None
    time: str | None = None
    group: str | None = None
    ignore: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class ValidateSettings(Section):
    """Limits that expectations.yaml cannot state by itself.

    `freshness_days` may pass between the newest row and the end of the window. More than
    `max_quarantine_share` of the rows in quarantine fails the validation. `exact_repeats` is for
    tables whose rows may rightly be equal: `keep` reports repeated rows and leaves them in.
    """

    freshness_days: Positive = 3
    max_quarantine_share: Share = 0.2
    exact_repeats: Literal["quarantine", "keep"] = "quarantine"


class SplitSettings(Section):
    """Days for data with a time column, shares of the groups for data without one."""

    tuning_days: Positive = 14
    holdout_days: Positive = 21
    tuning_share: Share = 0.2
    holdout_share: Share = 0.25
    reference_rows: Positive = 5000
    seed: int = 7

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> SplitSettings:
        if self.tuning_share + self.holdout_share >= 1:
            raise ValueError("tuning_share and holdout_share leave nothing to train on")
        return self


class TuneSettings(Section):
    """How the hyperparameters are searched. `workers` also fixes the batch size of the search.

    `storage`, `engine` and `dask_address` say where the search runs, and never what it finds.
    """

    sampler: SamplerName = "tpe"
    pruner: PrunerName = "median"
    trials: Positive = 12
    workers: Positive = 2
    objectives: Objectives = ("quality",)
    storage: PostgresUrl | None = None
    engine: Literal["processes", "dask"] = "processes"
    dask_address: SchedulerAddress | None = None
    seed: int = 7

    @model_validator(mode="after")
    def _parts_go_together(self) -> TuneSettings:
        if self.dask_address is not None and self.engine != "dask":
            raise ValueError("dask_address needs `engine: dask`")
        if len(self.objectives) > 1 and self.pruner != "none":
            raise ValueError(
                f"pruner {self.pruner!r} judges a trial by its quality alone and would stop the "
                "small and fast models; with two objectives use `pruner: none`"
            )
        if len(self.objectives) > 1 and self.sampler in _ONE_OBJECTIVE:
            raise ValueError(
                f"sampler {self.sampler!r} follows one objective; with two use one of "
                f"{', '.join(sorted(registry.SAMPLERS.keys() - _ONE_OBJECTIVE))}"
            )
        return self


class DistillationSettings(Section):
    """How a student is held to its teacher: see `pipelines/models/neural/distillation.py`."""

    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    teacher_share: Annotated[float, Field(gt=0, le=1)] = 0.9


class TrainSettings(Section):
    """What is trained; `fixed` hyperparameters are not searched.

    `mode` incremental goes on from `parent`, which a retrain sets to the live version, with its
    hyperparameters: it sees the rows that the parent has not seen, and `replay_share` of those
    that it has, so that it does not forget them.

    `compress: distilled` trains the model as ever and then a smaller one of the same family that
    learns from it and is served: `student` says which hyperparameters that one takes instead.
    """

    family: FamilyName
    mode: Literal["full", "incremental"] = "full"
    parent: Annotated[str, Field(pattern=r"^v[1-9][0-9]*$")] | None = None
    compress: Literal["none", "dynamic_int8", "static_int8", "fp16", "distilled"] = "none"
    student: dict[str, float | int | str | bool] = Field(default_factory=dict)
    distillation: DistillationSettings = DistillationSettings()
    replay_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    fixed: dict[str, float | int | str | bool] = Field(default_factory=dict)
    parity_tolerance: float = Field(default=1e-4, gt=0)
    golden_rows: Annotated[int, Field(ge=1000)] = 1000
    seed: int = 7

    @model_validator(mode="after")
    def _student_has_a_teacher(self) -> TrainSettings:
        if self.compress == "distilled" and not self.student:
            raise ValueError(
                "`compress: distilled` needs `student`: what the smaller model takes instead of "
                "the teacher's hyperparameters, as {units: 64}"
            )
        if self.student and self.compress != "distilled":
            raise ValueError("`student` needs `compress: distilled`")
        return self


class EvaluateSettings(Section):
    """What the report shows of the holdout.

    `attribution` is asked for and never guessed from what is installed: the same commit gives the
    same report on every machine. `shap` needs the optional library of that name.
    """

    slices: tuple[str, ...] = ()
    bins: Positive = 10
    bootstrap_rounds: Positive = 1000
    confidence: Share = 0.95
    importance_rows: Positive = 4000
    attribution: Literal["permutation", "shap"] = "permutation"
    attribution_rows: Annotated[int, Field(gt=0, le=1000)] = 200
    seed: int = 7


class BudgetSettings(Section):
    """Limits of the packaged model: p99 milliseconds of one row, megabytes of the ONNX file."""

    latency_ms: float = Field(default=20.0, gt=0)
    megabytes: float = Field(default=50.0, gt=0)


class GateSettings(Section):
    """When a challenger may replace the champion.

    Margins are differences of a measure: of the AUC, the accuracy or (in the unit of the target)
    the mean absolute error for `margin`, `minimum_lift` and `slice_margin`, of
    the expected calibration error and the Brier score for `calibration_margin`.

    `compare_full` fits a full model beside an incremental one and reports both; it never blocks.
    """

    margin: float = Field(default=0.01, gt=0)
    minimum_lift: float = Field(default=0.0, ge=0)
    alpha: Share = 0.05
    power: Share = 0.8
    bootstrap_rounds: Positive = 2000
    leak_auc: Share = 0.98
    slice_margin: float = Field(default=0.05, gt=0)
    slice_positives: Positive = 200
    calibration_margin: float = Field(default=0.01, gt=0)
    compression_margin: float = Field(default=0.005, gt=0)
    fairness: tuple[str, ...] = ()
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    budget: BudgetSettings = BudgetSettings()
    compare_full: bool = True
    seed: int = 7
