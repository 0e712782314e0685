"""TensorFlow, loaded once, quiet, and such that the same training gives the same numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.errors import ModelError

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Training is on the processor: kernels of a GPU do not add up in a fixed order.
    "CUDA_VISIBLE_DEVICES": "-1",
    # A file in the home folder may name another backend.
    "KERAS_BACKEND": "tensorflow",
}


@cache
def tensorflow() -> Any:
    """The module, on one thread and with deterministic kernels.

    Raises:
        ModelError: this process has used TensorFlow before, with other settings.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with _hushed():
        import tensorflow as tf

        try:
            # A sum depends on its order, and threads finish in any.
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            tf.config.experimental.enable_op_determinism()
            # The variable above may have been set by somebody else.
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError as error:
            raise ModelError(
                f"TensorFlow was started with other settings: {error}",
                where="tensorflow",
                next_step="train in a process of its own, as the stages do",
            ) from error
    tf.get_logger().setLevel("ERROR")
    return tf


@cache
def keras() -> Any:
    """The module, with TensorFlow below it."""
    tensorflow()
    with _hushed():
        import keras
    return keras


@cache
def tf2onnx() -> Any:
    """The module that turns a function of TensorFlow into a graph."""
    import logging

    tensorflow()
    with _hushed():
        import tf2onnx
    # It tells on the level of a warning which optimisations it has tried.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    return tf2onnx


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep native code from writing to the terminal while libraries are loaded.

    They report missing GPUs on the standard error before any setting of theirs is read. What
    goes wrong in Python is raised, and seen.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(Path(os.devnull), os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
