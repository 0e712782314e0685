"""What a bento carries is enough to import the service, and imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipelines.packaging.bento import environment
from pipelines.packaging.content import lay_out
from pipelines.serving.policy import ServingPolicy
from tests.packaged import LABELS

FORBIDDEN = {
    "dvc",
    "evidently",
    "great_expectations",
    "optuna",
    "pandas",
    "prefect",
    "scipy",
    "sklearn",
    "skl2onnx",
    "tensorflow",
}
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import pipelines.serving.entry
print(pipelines.__file__)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_sources_of_a_bento_import_the_service_and_nothing_heavy(
    artifact: Path, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    lay_out(context, artifact, LABELS, "v1", ServingPolicy())
    command = [sys.executable, "-c", PROGRAM, str(context)]
    done = subprocess.run(
        command, env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    origin, modules = done.stdout.splitlines()

    assert Path(origin).is_relative_to(context)
    assert {"bentoml", "onnxruntime", "numpy"} <= set(modules.split())
    assert not FORBIDDEN & set(modules.split())
