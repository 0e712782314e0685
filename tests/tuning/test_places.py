"""What the settings of a search may say, and that it comes to what they say."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import SettingsError
from pipelines.settings import TuneSettings
from pipelines.tuning import places
from pipelines.tuning.journal import Journal
from pipelines.tuning.workers import Workers
from tests.small import settings
from tests.tuning.scoring import Plan, prepare

SECRET = "hunter2-of-the-database"


def test_by_default_all_stays_on_this_machine(tmp_path: Path) -> None:
    store = places.store_of(TuneSettings(), "k", tmp_path / "journal")
    assert isinstance(store, Journal)
    assert store.patience is None
    engine = places.engine_of(TuneSettings(), partial(prepare, Plan(tmp_path / "log")))
    assert isinstance(engine, Workers)
    engine.close()


@pytest.mark.parametrize(
    ("tune", "said"),
    [
        ({"sampler": "gp"}, "tune.sampler: unknown sampler 'gp'; allowed: annealing, cmaes"),
        ({"objectives": ["speed"]}, "tune.objectives.0: Input should be 'quality', 'latency'"),
        ({"objectives": []}, "tune.objectives: these objectives do not go together"),
        ({"objectives": ["size", "quality"]}, r"\[quality, latency\]; \[quality, size\]"),
        ({"objectives": ["quality", "size"]}, "pruner 'median' judges a trial by its quality"),
        (
            {"objectives": ["quality", "size"], "pruner": "none", "sampler": "cmaes"},
            "follows one objective; with two use one of genetic, grid, qmc, random, tpe",
        ),
        ({"storage": "sqlite:///studies.db"}, "tune.storage: is no storage; write postgresql"),
        ({"storage": "postgresql+psycopg://me@/x"}, "tune.storage: is no storage"),
        ({"storage": "postgresql+psycopg://me@db"}, "tune.storage: is no storage"),
        ({"storage": "postgresql+psycopg://me@db:port/x"}, "tune.storage: is no storage"),
        ({"storage": "postgresql+psycopg://me@[db/x"}, "tune.storage: is no storage"),
        ({"dask_address": "tcp://h:1"}, "dask_address needs `engine: dask`"),
        ({"engine": "dask", "dask_address": "h:8786"}, "tune.dask_address: is no address of a"),
        ({"engine": "ray"}, "tune.engine: Input should be 'processes' or 'dask'"),
    ],
)
def test_what_is_wrong_is_named(tune: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        settings(tune=tune)
    assert caught.value.where == "params.yaml"


@pytest.mark.parametrize(
    "tune",
    [
        {"storage": f"postgresql+psycopg://me:{SECRET}@db/x"},
        {"storage": f"postgresql+psycopg://me:{SECRET}@db"},
        {"storage": f"mysql://me:{SECRET}@db/x"},
        # The fault is elsewhere, and the message shows the section.
        {"storage": "postgresql+psycopg://me:$NAME@db/x", "dask_address": f"tcp://:{SECRET}@h:1"},
        {"objectives": ["quality", "size"], "storage": f"postgresql+psycopg://m:{SECRET}@db/x"},
    ],
)
def test_a_password_is_never_shown(tune: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tune=tune)
    assert SECRET not in str(caught.value)


def test_a_password_belongs_into_the_environment() -> None:
    with pytest.raises(SettingsError, match="which would be committed; write \\$NAME"):
        settings(tune={"storage": f"postgresql+psycopg://me:{SECRET}@db/x"})
    for allowed in ("me:$STUDY_PASSWORD@db:5432/x", "me@db/x"):
        address = f"postgresql+psycopg://{allowed}"
        assert settings(tune={"storage": address}).tune.storage == address
