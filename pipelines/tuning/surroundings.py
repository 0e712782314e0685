"""What a score depends on beside data and settings: this code, and the libraries it calls."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pipelines.signature import digest

_ROOT = Path(__file__).parents[1]
# What a score passes through on its way from the rows to the number.
_CODE = (
    "frames.py",
    "schema.py",
    "inference/*.py",
    "models/*.py",
    "models/neural/*.py",
    "stages/tune.py",
    "statistics/*.py",
    "tuning/*.py",
)
_LIBRARIES = (
    "cmaes",
    "keras",
    "numpy",
    "onnxruntime",
    "optuna",
    "pandas",
    "scikit-learn",
    "scipy",
    "skl2onnx",
    "tensorflow",
    "tf2onnx",
)


@cache
def surroundings() -> str:
    """SHA-256 over the code and the versions, in hexadecimal: equal on machines that agree."""
    sources = [path for pattern in _CODE for path in sorted(_ROOT.glob(pattern))]
    code = {source.relative_to(_ROOT).as_posix(): digest(source) for source in sources}
    libraries = {name: version(name) for name in _LIBRARIES}
    return hashlib.sha256(json.dumps([code, libraries], sort_keys=True).encode()).hexdigest()
