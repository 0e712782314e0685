"""Several classes, and values: through every stage, the gate, the report and a scored file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipelines import judging
from pipelines.errors import DataError, SettingsError
from pipelines.evaluation import report
from pipelines.files import read_json
from pipelines.paths import ModelPaths
from pipelines.schema import Task
from pipelines.scoring.predict import predict_file
from pipelines.settings import ModelSettings
from pipelines.stages import split
from pipelines.verdicts import Outcome, Verdict
from tests.small import clean, settings, table, tasked, trained

FAMILIES: dict[Task, str] = {"multiclass": "logistic", "regression": "hist_gradient_boosting"}
MARGINS = {"multiclass": 0.1, "regression": 2.0}
tasks = pytest.mark.parametrize("task", list(FAMILIES))


def _made(root: Path, task: Task, seed: int = 0) -> tuple[ModelPaths, ModelSettings]:
    frame, schema = tasked(table(seed=seed), task)
    margin = MARGINS[task]
    return trained(
        root,
        frame,
        schema,
        params={"max_iter": 30} if task == "regression" else {},
        train={"family": FAMILIES[task]},
        evaluate={"slices": ["city", "month"], "bootstrap_rounds": 100, "importance_rows": 200},
        gate={
            "margin": margin,
            "slice_margin": 3 * margin,
            "calibration_margin": 0.1,
            "bootstrap_rounds": 200,
        },
    )


def _judged(made: tuple[ModelPaths, ModelSettings], champion: tuple[str, Path] | None) -> Verdict:
    return judging.decide(*made, champion, times_asked=0, is_forced=True)


@tasks
def test_it_beats_the_baseline_and_the_report_says_so(task: Task, tmp_path: Path) -> None:
    made = _made(tmp_path, task)
    paths, _ = made
    verdict = _judged(made, None)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert verdict.evidence["champion"]["name"] == "baseline"
    metrics = read_json(paths.metrics)
    key = "accuracy" if task == "multiclass" else "mae"
    is_better = metrics["holdout"][key] > metrics["baseline"][key]
    assert is_better == (task == "multiclass")
    page = report.render(paths, "shop@v1", verdict)
    assert ("Confusion" if task == "multiclass" else "Agreement") in page
    assert page.count("<svg") >= 6
    shuffled = read_json(paths.artifact / "training.json")["shuffled"]
    assert shuffled["measure"] == ("accuracy" if task == "multiclass" else "correlation")


@tasks
def test_a_worse_model_is_refused(task: Task, tmp_path: Path) -> None:
    champion, _ = _made(tmp_path / "champion", task)
    frame, schema = tasked(table(), task)
    frame["left"] = frame["left"].sample(frac=1, random_state=0).to_numpy()
    worse, known = trained(
        tmp_path / "worse",
        frame,
        schema,
        train={"family": FAMILIES[task]},
        gate={"margin": MARGINS[task], "bootstrap_rounds": 200},
    )
    verdict = judging.decide(
        champion, known, ("shop@v1", worse.artifact), times_asked=0, is_forced=True
    )
    # The other way round: what learned from shuffled labels is far behind.
    assert verdict.parts
    holdout = (champion.splits / "holdout.parquet").read_bytes()
    (worse.splits / "holdout.parquet").write_bytes(holdout)
    verdict = judging.decide(
        worse, known, ("shop@v1", champion.artifact), times_asked=0, is_forced=True
    )
    found = {part.name: part.outcome for part in verdict.parts}
    assert found["non-inferiority"] is Outcome.FAILED, verdict.reason


@tasks
def test_a_file_is_scored(task: Task, tmp_path: Path) -> None:
    paths, _ = _made(tmp_path, task)
    source, out = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    table(50, seed=3).drop(columns="left").to_parquet(source)
    assert predict_file(source, out, paths.artifact).rows == 50
    found = pd.read_parquet(out)
    if task == "regression":
        assert list(found.columns) == ["row", "value", "model"]
        assert found["value"].std() > 1
    else:
        assert set(found["label"]) <= {"low", "middle", "high"}
        each = found[["probability_low", "probability_middle", "probability_high"]]
        assert (each.max(axis=1) == found["probability"]).all()


def test_a_champion_of_other_classes_is_no_champion(tmp_path: Path) -> None:
    made = _made(tmp_path / "classes", "multiclass")
    other, _ = _made(tmp_path / "values", "regression")
    verdict = _judged(made, ("shop@v1", other.artifact))
    assert verdict.outcome is Outcome.ERROR
    assert "answers regression, and the challenger multiclass low, middle, high" in verdict.reason


def test_a_family_that_cannot_do_the_task_is_named_with_those_that_can(tmp_path: Path) -> None:
    frame, schema = tasked(table(), "regression")
    with pytest.raises(SettingsError, match="logistic cannot be trained for regression") as caught:
        trained(tmp_path, frame, schema, train={"family": "logistic"})
    assert "hist_gradient_boosting" in caught.value.next_step
    assert "svm" not in caught.value.next_step


def test_a_class_that_train_lacks_is_named(tmp_path: Path) -> None:
    frame, schema = tasked(table(), "multiclass")
    early = frame["day"] < frame["day"].quantile(0.5)
    frame = frame[~(early & (frame["left"] == 2))]
    paths = clean(tmp_path, frame[frame["left"] != 2], schema)
    with pytest.raises(DataError, match="the train side has no row of high"):
        split.run(paths, settings())
