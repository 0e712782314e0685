"""The extension point: every name that params.yaml may use, and where its code is.

A new dataset or family is one file and one line here. Values are "module:attribute", so that
listing the names imports nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

STAGES = ("ingest", "validate", "split", "tune", "train", "evaluate")

DATASETS = {
    "flights": "pipelines.datasets.flights:Flights",
    "table": "pipelines.datasets.table:Table",
    "digits": "pipelines.datasets.digits:Digits",
    "mnist": "pipelines.datasets.mnist:Mnist",
    "cifar10": "pipelines.datasets.cifar10:Cifar10",
}

MODEL_FAMILIES = {
    "baseline": "pipelines.models.baseline:Baseline",
    "logistic": "pipelines.models.logistic:Logistic",
    "sgd": "pipelines.models.sgd:Sgd",
    "svm": "pipelines.models.svm:Svm",
    "forest": "pipelines.models.forest:Forest",
    "hist_gradient_boosting": "pipelines.models.hist_gradient_boosting:HistGradientBoosting",
    "mlp": "pipelines.models.mlp:Mlp",
    "keras_mlp": "pipelines.models.keras_mlp:KerasMlp",
    "keras_cnn": "pipelines.models.keras_cnn:KerasCnn",
    "alexnet": "pipelines.models.alexnet:AlexNet",
}

SAMPLERS = {
    "tpe": "pipelines.tuning.samplers:tpe",
    "genetic": "pipelines.tuning.samplers:genetic",
    "cmaes": "pipelines.tuning.evolution:cmaes",
    "annealing": "pipelines.tuning.samplers:annealing",
    "random": "pipelines.tuning.samplers:random",
    "qmc": "pipelines.tuning.samplers:qmc",
    "grid": "pipelines.tuning.samplers:grid",
}

PRUNERS = {
    "median": "pipelines.tuning.pruners:median",
    "hyperband": "pipelines.tuning.pruners:hyperband",
    "none": "pipelines.tuning.pruners:none",
}


def load(table: dict[str, str], name: str) -> Any:
    """Import what `name` stands for in one of the tables above."""
    module, attribute = table[name].split(":")
    return getattr(import_module(module), attribute)
