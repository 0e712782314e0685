"""Typed, frozen settings, loaded from params.yaml and from nowhere else.

One class per section of a model, named as the section is; sections are named as the stages are.
Belongs here: every key of params.yaml, its type, its default and what is said of a wrong value.
Does not belong here: what is done with it, and anything that reads an environment variable, since
what a run did must be readable from its commit.
"""

from pipelines.settings.alerting import AlertKind, AlertSettings, Severity
from pipelines.settings.fields import Month, Objective
from pipelines.settings.gateway import (
    FleetSettings,
    GatewaySettings,
    IdentitySettings,
    TierSettings,
    TlsSettings,
)
from pipelines.settings.loading import load, parse, read_params
from pipelines.settings.models import PARAMS_FILE, ChainSettings, ModelSettings, Settings
from pipelines.settings.monitoring import DashboardSettings, MonitorSettings, TriggerSettings
from pipelines.settings.running import (
    BadRateSettings,
    LogSettings,
    PackageSettings,
    RetrainSettings,
    RolloutSettings,
    ServeSettings,
)
from pipelines.settings.stages import (
    BudgetSettings,
    EvaluateSettings,
    GateSettings,
    IngestSettings,
    SplitSettings,
    TrainSettings,
    TuneSettings,
    ValidateSettings,
)

__all__ = [
    "PARAMS_FILE",
    "AlertKind",
    "AlertSettings",
    "BadRateSettings",
    "BudgetSettings",
    "ChainSettings",
    "DashboardSettings",
    "EvaluateSettings",
    "FleetSettings",
    "GateSettings",
    "GatewaySettings",
    "IdentitySettings",
    "IngestSettings",
    "LogSettings",
    "ModelSettings",
    "MonitorSettings",
    "Month",
    "Objective",
    "PackageSettings",
    "RetrainSettings",
    "RolloutSettings",
    "ServeSettings",
    "Settings",
    "Severity",
    "SplitSettings",
    "TierSettings",
    "TlsSettings",
    "TrainSettings",
    "TriggerSettings",
    "TuneSettings",
    "ValidateSettings",
    "load",
    "parse",
    "read_params",
]
