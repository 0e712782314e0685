"""`python -m flows.drills.copied opposite|same MODEL VERSION`: register a copy of a version.

One that answers the opposite is what a gate with a hole would let through; one that answers the
same is a version that a fault can be planted before. No gate is asked. It prints the name of the
new version. Run in the folder of a throwaway clone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines import lineage, packaging, settings
from pipelines.errors import WorkspaceError
from pipelines.paths import home
from pipelines.schema import LABEL, PROBABILITIES
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE, MODEL_FILE, Signature, digest
from pipelines.state import runs, store
from pipelines.versioning import graph, versions
from pipelines.versioning.git import Repository
from pipelines.versioning.workspace import Workspace, open_workspace

WHY = {"opposite": "answers the opposite, for a drill", "same": "a copy, for a drill"}


def register(root: Path, model: str, name: str, answers: str) -> str:
    """Register a copy of a version; returns the name of the copy.

    Args:
        root: the project.
        model: its name in params.yaml.
        name: of the version, as "v2".
        answers: "opposite", with the two classes of the model swapped, or the "same".

    Raises:
        EvergreenError: there is no such version, or it cannot be copied.
    """
    project, places = Repository.at(root), home(root)
    engine = store.connect(places.database)
    source = versions.find(project, model, name)
    run, _ = runs.begin(engine, model, source.commit, {}, WHY[answers])
    workspace = open_workspace(project, places, run, source.commit)
    os.chdir(workspace.root)
    with graph.opened(workspace.root) as repo:
        graph.checkout(repo, graph.edges(repo, model))
    (swap if answers == "opposite" else stamp)(workspace.paths.artifact)
    commit = _commit(workspace, WHY[answers])
    chosen = settings.load(workspace.root).model(model)
    number = versions.next_number(project, model, commit)
    labels = packaging.Labels(git_sha=commit, **lineage.hashes(workspace.root, model))
    policy = packaging.policy_of(chosen.serve)
    bento = packaging.build(workspace.paths.artifact, labels, f"v{number}", places, policy)
    version = versions.register(project, model, commit)
    kept = {"name": WHY[answers], "evidence": {"bento": bento}}
    runs.finish(engine, run.id, runs.REGISTERED, version=version.name, verdict=kept, commit=commit)
    os.chdir(root)
    project.remove_worktree(workspace.root)
    return version.name


def swap(folder: Path) -> None:
    """Have a binary model answer 1 - p, and sign it as if that were right."""
    import onnx

    model = onnx.load(folder / MODEL_FILE)
    _swap_outputs(model)
    golden = pd.read_parquet(folder / GOLDEN_FILE)
    golden[GOLDEN_ANSWER] = 1 - golden[GOLDEN_ANSWER]
    _sign(folder, model, golden)


def stamp(folder: Path) -> None:
    """Have a model say that it is a copy: the same answers, and another digest."""
    import onnx

    model = onnx.load(folder / MODEL_FILE)
    model.doc_string = WHY["same"]
    _sign(folder, model, pd.read_parquet(folder / GOLDEN_FILE))


def _sign(folder: Path, model: Any, golden: pd.DataFrame) -> None:
    """Replace a model and its golden rows; never write to files that may be in the DVC cache."""
    import onnx

    onnx.checker.check_model(model)
    signature = Signature.read(folder)
    for name in (MODEL_FILE, GOLDEN_FILE, "signature.json"):
        (folder / name).unlink()
    onnx.save(model, folder / MODEL_FILE)
    golden.to_parquet(folder / GOLDEN_FILE, index=False)
    replace(signature, sha256=digest(folder / MODEL_FILE)).write(folder)


def _swap_outputs(model: object) -> None:
    from onnx import helper, numpy_helper

    graph_proto = model.graph  # type: ignore[attr-defined]
    for node in graph_proto.node:
        for at, output in enumerate(node.output):
            if output in (LABEL, PROBABILITIES):
                node.output[at] = f"right_{output}"
    constants = {"swapped_order": np.array([1, 0]), "one": np.array(1, dtype=np.int64)}
    graph_proto.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    graph_proto.node.extend(
        [
            helper.make_node(
                "Gather", [f"right_{PROBABILITIES}", "swapped_order"], [PROBABILITIES], axis=1
            ),
            helper.make_node("Sub", ["one", f"right_{LABEL}"], [LABEL]),
        ]
    )


def _commit(workspace: Workspace, why: str) -> str:
    """Have DVC keep the files as they are, and git the lock that says so."""
    stage = f"train@{workspace.model}"
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "commit", "--force", "--quiet", stage],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise WorkspaceError(
            f"DVC does not keep the copied model: {done.stderr.strip()}",
            where=stage,
            next_step="run the drill again with --keep, and look into the clone",
        )
    return workspace.commit(f"Copy {workspace.model}\n\n{why}")


if __name__ == "__main__":
    print(register(Path.cwd(), sys.argv[2], sys.argv[3], sys.argv[1]))
