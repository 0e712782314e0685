"""The types of single keys, each with what is said of a value that it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipelines import registry

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_SCHEDULER = re.compile(r"(tcp|tls)://[^\s/:@]+:\d{1,5}", re.ASCII)
_OBJECTIVES = (("quality",), ("quality", "latency"), ("quality", "size"))


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


def _rising(value: tuple[int, ...]) -> tuple[int, ...]:
    rises = all(low < high for low, high in pairwise((0, *value)))
    if not rises or value[-1] != 100:
        raise ValueError("these steps do not rise from above 0 to 100; write [5, 25, 50, 100]")
    return value


def _each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) < len(value):
        raise ValueError("names a metric twice")
    return value


Month = Annotated[str, AfterValidator(_month)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=1, le=65535)]
DatasetName = Annotated[str, _one_of("dataset", registry.DATASETS)]
FamilyName = Annotated[str, _one_of("family", registry.MODEL_FAMILIES)]
SamplerName = Annotated[str, _one_of("sampler", registry.SAMPLERS)]
PrunerName = Annotated[str, _one_of("pruner", registry.PRUNERS)]
Minutes = Annotated[float, Field(gt=0)]
Hours = Annotated[float, Field(gt=0)]
Objective = Literal["quality", "latency", "size"]
Objectives = Annotated[tuple[Objective, ...], AfterValidator(_quality_first)]
RolloutMetric = Literal["errors", "timeouts", "invalid", "latency"]
RolloutMetrics = Annotated[
    tuple[RolloutMetric, ...], Field(min_length=1), AfterValidator(_each_once)
]
RolloutSteps = Annotated[tuple[int, ...], Field(min_length=1), AfterValidator(_rising)]
PostgresUrl = Annotated[str, AfterValidator(_postgresql)]
SchedulerAddress = Annotated[str, AfterValidator(_scheduler)]
MinutesByStage = Annotated[dict[str, Minutes], AfterValidator(_stage_names)]


class Section(BaseModel):
    """Frozen, and without a key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")
