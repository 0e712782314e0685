"""evaluate: numbers of the exported graph on the holdout, and the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import ModelError, SettingsError
from pipelines.files import read_json
from pipelines.frames import labels
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings
from pipelines.signature import MODEL_FILE
from pipelines.stages import evaluate
from tests.small import MODEL, SCHEMA, clean, project, settings, trained

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelPaths, ModelSettings]:
    return trained(tmp_path_factory.mktemp("evaluate"))


def test_the_numbers_are_of_the_holdout(made: tuple[ModelPaths, ModelSettings]) -> None:
    paths, _ = made
    found = read_json(paths.reports / "evaluation.json")
    holdout = pd.read_parquet(paths.splits / "holdout.parquet")
    assert found["rows"] == len(holdout)
    assert found["blocks"] == 15
    for interval in [*found["metrics"].values(), *found["baseline"].values()]:
        assert interval["low"] <= interval["value"] <= interval["high"]
    assert found["metrics"]["auc"]["low"] > 0.7
    assert set(found["importance"]) == set(SCHEMA.features)
    assert set(list(found["importance"])[:2]) == {"spend", "visits"}  # what the signal is made of
    assert abs(found["importance"]["age"]) < 0.01
    assert found["curves"]["roc"][0] == [0.0, 0.0]
    assert found["curves"]["roc"][-1] == [1.0, 1.0]


def test_the_baseline_says_the_share_that_the_model_learned_from(
    made: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, _ = made
    learned = pd.concat(
        pd.read_parquet(paths.splits / f"{side}.parquet") for side in ("train", "tuning")
    )
    share = learned["left"].mean()
    answers = labels(pd.read_parquet(paths.splits / "holdout.parquet"), SCHEMA)
    baseline = read_json(paths.reports / "evaluation.json")["baseline"]
    assert baseline["auc"]["value"] == 0.5
    assert baseline["brier"]["value"] == pytest.approx(((answers - share) ** 2).mean())


def test_slices_cover_the_holdout(made: tuple[ModelPaths, ModelSettings]) -> None:
    found = read_json(made[0].reports / "evaluation.json")
    holdout = pd.read_parquet(made[0].splits / "holdout.parquet")
    for column in ("city", "month"):
        parts = [each for each in found["slices"] if each["column"] == column]
        assert sum(each["rows"] for each in parts) == found["rows"]
        positives = sum(each["observed"] * each["rows"] for each in parts)
        assert positives == pytest.approx(labels(holdout, SCHEMA).sum())
    assert {each["value"] for each in found["slices"] if each["column"] == "city"} == {
        "Oslo",
        "Bergen",
        "Ålesund",
        "missing",
    }


def test_metrics_for_dvc_are_the_numbers_of_the_report(
    made: tuple[ModelPaths, ModelSettings],
) -> None:
    metrics = read_json(made[0].metrics)
    found = read_json(made[0].reports / "evaluation.json")
    assert set(metrics) == {"holdout", "baseline", "interval"}
    for name, value in metrics["holdout"].items():
        assert value == found["metrics"][name]["value"]
        assert metrics["interval"][name]["low"] == found["metrics"][name]["low"]


def test_a_slice_that_is_no_column_is_named(made: tuple[ModelPaths, ModelSettings]) -> None:
    with pytest.raises(SettingsError, match="no column 'town'"):
        evaluate.run(made[0], settings(evaluate={"slices": ["town"]}))


def test_without_slices(made: tuple[ModelPaths, ModelSettings], tmp_path: Path) -> None:
    import shutil

    shutil.copytree(made[0].root, tmp_path / "copy")
    paths = ModelPaths(tmp_path / "copy", MODEL)
    evaluate.run(paths, settings(evaluate={"slices": []}))
    assert read_json(paths.reports / "evaluation.json")["slices"] == []


def test_a_graph_that_was_swapped_is_not_evaluated(tmp_path: Path) -> None:
    paths, known = trained(tmp_path)
    (paths.artifact / MODEL_FILE).write_bytes(b"another")
    with pytest.raises(ModelError, match="the digest is"):
        evaluate.run(paths, known)


def test_split_train_and_evaluate_give_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """Sets and dictionaries of strings are ordered otherwise in every process."""

    def files(hash_seed: str) -> dict[str, str]:
        root = tmp_path / hash_seed
        root.mkdir()
        family = {"family": "hist_gradient_boosting"}
        project(root, train=family)
        paths = clean(root)
        code = (
            "import sys\n"
            "from pipelines.stages.__main__ import main\n"
            "from tests.small import MODEL, chosen\n"
            "from pipelines.paths import ModelPaths\n"
            "from pathlib import Path\n"
            "assert main(['split', MODEL]) == 0\n"
            "chosen(ModelPaths(Path.cwd(), MODEL), max_iter=12)\n"
            "assert main(['train', MODEL]) == 0\n"
            "assert main(['evaluate', MODEL]) == 0\n"
        )
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
        )
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(paths.folder.rglob("*"))
            if path.is_file()
        }

    one, two = files("0"), files("1")
    assert {"metrics.json", "model.onnx", "report.html"} <= {name.rsplit("/")[-1] for name in one}
    assert one == two
