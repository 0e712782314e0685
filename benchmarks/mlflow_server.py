"""MLflow's own scoring server with a model's graph, run by a Python that has MLflow.

As MLflow's documentation has it: the graph saved by `mlflow.onnx` and served by `mlflow models
serve`, with one worker. Nothing of this project is imported; it may not be importable there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow.onnx  # type: ignore[import-not-found]
import onnx


def main(graph: Path, folder: Path, port: str) -> None:
    """Save the graph below `folder` in MLflow's form, and become its server."""
    mlflow.onnx.save_model(onnx.load(graph), folder / "mlflow")
    command = ["models", "serve", "--model-uri", str(folder / "mlflow"), "--env-manager", "local"]
    where = ["--host", "127.0.0.1", "--port", port, "--workers", "1"]
    # `mlflow` calls uvicorn by name, which is beside this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    argv = [sys.executable, "-m", "mlflow", *command, *where]
    os.execve(argv[0], argv, {**os.environ, "PATH": path})  # noqa: S606


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
