"""Typed, frozen settings, loaded from params.yaml and from nowhere else.

One class per section of a model, named as the section is; sections are named as the stages are.
Nothing here reads an environment variable: what a run did must be readable from its commit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines import registry
from pipelines.errors import SettingsError
from pipelines.schema import Task

PARAMS_FILE = "params.yaml"
_MODEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_SCHEDULER = re.compile(r"(tcp|tls)://[^\s/:@]+:\d{1,5}", re.ASCII)
_CREDENTIALS = re.compile(r"://[^\s'\"]*@")
_SHOWN = 60
_OBJECTIVES = (("quality",), ("quality", "latency"), ("quality", "size"))
_ONE_OBJECTIVE = {"annealing", "cmaes"}


def _one_of(kind: str, allowed: Iterable[str]) -> AfterValidator:
    names = sorted(allowed)

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"unknown {kind} {value!r}; allowed: {', '.join(names)}")
        return value

    return AfterValidator(check)


def _month(value: str) -> str:
    if not _MONTH.fullmatch(value):
        raise ValueError("is no month; write it as 2013-05")
    return value


def _stage_names(value: dict[str, float]) -> dict[str, float]:
    unknown = sorted(set(value) - set(registry.STAGES))
    if unknown:
        raise ValueError(
            f"unknown stage {', '.join(unknown)}; allowed: {', '.join(registry.STAGES)}"
        )
    return value


def _quality_first(value: tuple[str, ...]) -> tuple[str, ...]:
    if value not in _OBJECTIVES:
        allowed = "; ".join(f"[{', '.join(names)}]" for names in _OBJECTIVES)
        raise ValueError(f"these objectives do not go together; allowed: {allowed}")
    return value


def _postgresql(value: str) -> str:
    # Never the value itself in a message: it may hold a password.
    try:
        parts = urlsplit(value)
        is_whole = bool(parts.hostname and parts.path.strip("/")) and parts.port != 0
    except ValueError:  # of a port that is no number, or of brackets
        is_whole = False
    if not is_whole or parts.scheme != "postgresql+psycopg":
        raise ValueError("is no storage; write postgresql+psycopg://USER:$NAME@HOST:PORT/DATABASE")
    if parts.password and not re.fullmatch(r"\$[A-Za-z_]\w*", parts.password, re.ASCII):
        raise ValueError(
            "holds a password, which would be committed; write $NAME in its place and put the "
            "password into the environment variable NAME"
        )
    return value


def _scheduler(value: str) -> str:
    if not _SCHEDULER.fullmatch(value):
        raise ValueError("is no address of a scheduler; write tcp://HOST:PORT")
    return value


Month = Annotated[str, AfterValidator(_month)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
DatasetName = Annotated[str, _one_of("dataset", registry.DATASETS)]
FamilyName = Annotated[str, _one_of("family", registry.MODEL_FAMILIES)]
SamplerName = Annotated[str, _one_of("sampler", registry.SAMPLERS)]
PrunerName = Annotated[str, _one_of("pruner", registry.PRUNERS)]
Minutes = Annotated[float, Field(gt=0)]
Objective = Literal["quality", "latency", "size"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IngestSettings(_Section):
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


class ValidateSettings(_Section):
    """Limits that expectations.yaml cannot state by itself.

    `freshness_days` may pass between the newest row and the end of the window. More than
    `max_quarantine_share` of the rows in quarantine fails the validation. `exact_repeats` is for
    tables whose rows may rightly be equal: `keep` reports repeated rows and leaves them in.
    """

    freshness_days: Positive = 3
    max_quarantine_share: Share = 0.2
    exact_repeats: Literal["quarantine", "keep"] = "quarantine"


class SplitSettings(_Section):
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


class TuneSettings(_Section):
    """How the hyperparameters are searched. `workers` also fixes the batch size of the search.

    `storage`, `engine` and `dask_address` say where the search runs, and never what it finds.
    """

    sampler: SamplerName = "tpe"
    pruner: PrunerName = "median"
    trials: Positive = 12
    workers: Positive = 2
    objectives: Annotated[tuple[Objective, ...], AfterValidator(_quality_first)] = ("quality",)
    storage: Annotated[str, AfterValidator(_postgresql)] | None = None
    engine: Literal["processes", "dask"] = "processes"
    dask_address: Annotated[str, AfterValidator(_scheduler)] | None = None
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


class TrainSettings(_Section):
    """What is trained; `fixed` hyperparameters are not searched.

    `mode` incremental goes on from `parent`, which a retrain sets to the live version, with its
    hyperparameters: it sees the rows that the parent has not seen, and `replay_share` of those
    that it has, so that it does not forget them.
    """

    family: FamilyName
    mode: Literal["full", "incremental"] = "full"
    parent: Annotated[str, Field(pattern=r"^v[1-9][0-9]*$")] | None = None
    compress: Literal["none", "dynamic_int8", "static_int8", "fp16"] = "none"
    replay_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    fixed: dict[str, float | int | str | bool] = Field(default_factory=dict)
    parity_tolerance: float = Field(default=1e-4, gt=0)
    golden_rows: Annotated[int, Field(ge=1000)] = 1000
    seed: int = 7


class EvaluateSettings(_Section):
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


class BudgetSettings(_Section):
    """Limits of the packaged model: p99 milliseconds of one row, megabytes of the ONNX file."""

    latency_ms: float = Field(default=20.0, gt=0)
    megabytes: float = Field(default=50.0, gt=0)


class GateSettings(_Section):
    """When a challenger may replace the champion.

    Margins are differences of a measure: of the AUC, the accuracy or (in the unit of the target)
    the mean absolute error for `margin`, `minimum_lift` and `slice_margin`, of
    the expected calibration error and the Brier score for `calibration_margin`.
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
    seed: int = 7


class PackageSettings(_Section):
    """How the bento is proved before its version is registered."""

    start_seconds: Positive = 60


class RetrainSettings(_Section):
    """Limits of a run; outside the stages, so a change here does not make any of them stale."""

    timeout_minutes: Annotated[dict[str, Minutes], AfterValidator(_stage_names)] = Field(
        default_factory=dict
    )
    default_timeout_minutes: float = Field(default=60.0, gt=0)
    lease_seconds: Positive = 60
    push: bool = True


class ModelSettings(_Section):
    """Everything tunable about one model."""

    ingest: IngestSettings
    validate_: ValidateSettings = Field(default=ValidateSettings(), alias="validate")
    split: SplitSettings = SplitSettings()
    tune: TuneSettings = TuneSettings()
    train: TrainSettings
    evaluate: EvaluateSettings = EvaluateSettings()
    gate: GateSettings = GateSettings()
    package: PackageSettings = PackageSettings()
    retrain: RetrainSettings = RetrainSettings()


class Settings(_Section):
    """The whole of params.yaml."""

    models: dict[str, ModelSettings] = Field(min_length=1)

    def model(self, name: str) -> ModelSettings:
        """The settings of one model.

        Raises:
            SettingsError: there is no such model; the message lists those there are.
        """
        if name in self.models:
            return self.models[name]
        names = ", ".join(sorted(self.models))
        raise SettingsError(
            f"unknown model {name!r}; allowed: {names}",
            where=f"{PARAMS_FILE}: models",
            next_step=f"use one of {names}, or add models.{name} to {PARAMS_FILE}",
        )


def load(root: Path) -> Settings:
    """Read and check `params.yaml` in `root`.

    Raises:
        SettingsError: the file is missing or not YAML, or a key is missing, extra or wrong.
            Every wrong key is named, with what is allowed there.
    """
    return parse(read_params(root))


def read_params(root: Path) -> dict[str, Any]:
    """The plain content of `params.yaml`, unchecked but for being a mapping."""
    path = root / PARAMS_FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            "the file is missing",
            where=str(path),
            next_step="run in the root of an Evergreen project, where params.yaml is",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"not readable as YAML: {error}", where=str(path), next_step="mend the line named"
        ) from error
    if not isinstance(content, dict):
        raise SettingsError(
            f"holds {type(content).__name__}, not a mapping",
            where=str(path),
            next_step="begin it with `models:`",
        )
    return content


def parse(content: dict[str, Any]) -> Settings:
    """Check the content of a params.yaml.

    Raises:
        SettingsError: as `load` does.
    """
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise _explain(error) from None
    for name in settings.models:
        if not _MODEL_NAME.fullmatch(name):
            raise SettingsError(
                f"{name!r} is not a model name",
                where=f"{PARAMS_FILE}: models.{name}",
                next_step="use lower-case letters, digits and _ only, at most 40, a letter first",
            )
    return settings


def _explain(error: ValidationError) -> SettingsError:
    problems = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            problems.append(f"{key}: unknown key{_suggest(item['loc'])}")
        elif item["type"] == "missing":
            problems.append(f"{key}: missing")
        else:
            # A URL may hold a password, wherever in the section the fault is.
            seen = _CREDENTIALS.sub("://***@", repr(item["input"]))
            seen = seen if len(seen) <= _SHOWN else f"{seen[:_SHOWN]}..."
            problems.append(f"{key}: {item['msg'].removeprefix('Value error, ')} (seen: {seen})")
    return SettingsError(
        "; ".join(problems),
        where=PARAMS_FILE,
        next_step="mend the keys named; docs/reference/params.md explains each",
    )


def _suggest(location: tuple[int | str, ...]) -> str:
    """The keys that are allowed where an unknown one stands, the nearest first."""
    # models.NAME stands for any name, the name of a section among them.
    model: type[BaseModel] = Settings if len(location) == 1 else ModelSettings
    for part in location[2:-1]:
        annotation = _fields(model)[str(part)].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        model = annotation
    allowed = list(_fields(model))
    near = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{hint}; allowed: {', '.join(allowed)}"


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of a section by the names that params.yaml uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}
