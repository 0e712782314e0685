"""TensorFlow as training needs it: quiet, on one thread, and not loaded by anyone else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import ModelError
from pipelines.models.neural.runtime import keras, tensorflow

ROOT = Path(__file__).parents[3]


def test_it_runs_on_one_thread_and_on_no_gpu() -> None:
    tf = tensorflow()
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1
    assert tf.config.threading.get_inter_op_parallelism_threads() == 1
    assert tf.config.list_logical_devices("GPU") == []
    assert keras().backend.backend() == "tensorflow"


def test_kernels_are_deterministic() -> None:
    """With it on, a random draw without a seed is an error."""
    tf = tensorflow()
    with pytest.raises(RuntimeError, match=r"[Dd]eterminism"):
        tf.random.normal((2,))


def test_no_module_of_the_project_loads_it_before_it_is_needed() -> None:
    code = (
        "import sys\n"
        "from pipelines import registry\n"
        "for name in registry.MODEL_FAMILIES:\n"
        "    registry.load(registry.MODEL_FAMILIES, name)().space()\n"
        "import pipelines.models.neural.training, pipelines.serving.service\n"
        "print(*sorted({'tensorflow', 'keras', 'tf2onnx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_a_process_that_used_it_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of these tests has begun with one thread; now two are asked for."""
    threading = tensorflow().config.threading
    real = threading.set_intra_op_parallelism_threads
    tensorflow().constant(1.0)
    monkeypatch.setattr(threading, "set_intra_op_parallelism_threads", lambda _: real(2))
    with pytest.raises(ModelError, match="was started with other settings"):
        tensorflow.__wrapped__()
