"""The whole of params.yaml: every model with all of its sections."""

from __future__ import annotations

from pydantic import Field

from pipelines.errors import SettingsError
from pipelines.settings.fields import Section
from pipelines.settings.running import (
    PackageSettings,
    RetrainSettings,
    RolloutSettings,
    ServeSettings,
)
from pipelines.settings.stages import (
    EvaluateSettings,
    GateSettings,
    IngestSettings,
    SplitSettings,
    TrainSettings,
    TuneSettings,
    ValidateSettings,
)

PARAMS_FILE = "params.yaml"


class ModelSettings(Section):
    """Everything tunable about one model."""

    ingest: IngestSettings
    validate_: ValidateSettings = Field(default=ValidateSettings(), alias="validate")
    split: SplitSettings = SplitSettings()
    tune: TuneSettings = TuneSettings()
    train: TrainSettings
    evaluate: EvaluateSettings = EvaluateSettings()
    gate: GateSettings = GateSettings()
    package: PackageSettings = PackageSettings()
    serve: ServeSettings = ServeSettings()
    rollout: RolloutSettings = RolloutSettings()
    retrain: RetrainSettings = RetrainSettings()


class Settings(Section):
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
