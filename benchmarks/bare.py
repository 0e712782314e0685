"""The work of one retrain from a bare script: no Prefect, no DVC, no worktree, one process."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path

from pipelines import judging, packaging, settings
from pipelines.evaluation import report
from pipelines.packaging import Labels
from pipelines.paths import ModelPaths, home
from pipelines.stages import ingest
from pipelines.stages.__main__ import STAGES


def main(model: str) -> None:
    root = Path.cwd()
    paths, chosen = ModelPaths(root, model), settings.load(root).model(model)
    started = time.monotonic()
    ingest.record(paths, chosen)
    for stage in STAGES:
        import_module(f"pipelines.stages.{stage}").run(paths, chosen)
    stages = time.monotonic() - started
    verdict = judging.decide(paths, chosen, None, times_asked=0, is_forced=False)
    tag = packaging.build(paths.artifact, Labels("0" * 40, "1", "2", "3"), "v1", home(root))
    proof = packaging.prove(tag, paths.artifact, home(root), chosen.package.start_seconds)
    report.render(paths, model, verdict)
    assert verdict.has_passed and proof.has_passed
    print(json.dumps({"stages": stages, "all": time.monotonic() - started}))


if __name__ == "__main__":
    main(sys.argv[1])
