"""The whole of params.yaml: every model with all of its sections."""

from __future__ import annotations

from pydantic import Field, model_validator

from pipelines.errors import SettingsError
from pipelines.settings.alerting import AlertSettings
from pipelines.settings.fields import Section, Share
from pipelines.settings.gateway import FleetSettings, GatewaySettings, IdentitySettings
from pipelines.settings.monitoring import DashboardSettings, MonitorSettings, TriggerSettings
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
    fleet: FleetSettings = FleetSettings()
    rollout: RolloutSettings = RolloutSettings()
    monitor: MonitorSettings = MonitorSettings()
    trigger: TriggerSettings = TriggerSettings()
    retrain: RetrainSettings = RetrainSettings()


class ChainSettings(Section):
    """Two models that are served as one: see `pipelines.serving.chain`.

    `first` is asked about every row; where its probability is `at_least` this, `then` is asked.
    """

    first: str
    then: str
    at_least: Share = 0.5
    serve: ServeSettings = ServeSettings()
    fleet: FleetSettings = FleetSettings()


class Settings(Section):
    """The whole of params.yaml."""

    models: dict[str, ModelSettings] = Field(min_length=1)
    chain: dict[str, ChainSettings] = Field(default_factory=dict)
    gateway: GatewaySettings = GatewaySettings()
    identity: IdentitySettings = IdentitySettings()
    alerts: AlertSettings = AlertSettings()
    dashboard: DashboardSettings = DashboardSettings()

    @model_validator(mode="after")
    def _chains_are_of_models(self) -> Settings:
        known = ", ".join(sorted(self.models))
        for name, chain in self.chain.items():
            for part in (chain.first, chain.then):
                if part not in self.models:
                    raise ValueError(f"chain.{name}: unknown model {part!r}; allowed: {known}")
            if chain.first == chain.then or name in self.models:
                raise ValueError(f"chain.{name}: the chain and its two models are three names")
        return self

    def fleet(self, name: str) -> FleetSettings:
        """Of the servers of a model or chain; raises as `model` does."""
        chain = self.chain.get(name)
        return self.model(name).fleet if chain is None else chain.fleet

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
