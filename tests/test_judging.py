"""The gate on real model folders: who passes, who is refused, and who cannot be told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines import judging
from pipelines.errors import ModelError, SettingsError
from pipelines.files import write_json
from pipelines.gates.full import FULL
from pipelines.paths import HOME, ModelPaths
from pipelines.settings import ModelSettings
from pipelines.signature import TRAINING_FILE
from pipelines.verdicts import Outcome, Verdict
from tests.models.test_incremental import gone_through, grown
from tests.small import SCHEMA, table, trained

__all__ = ["grown"]

Trained = tuple[ModelPaths, ModelSettings]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model with nothing wrong with it."""
    return trained(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def weaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a champion that was trained on the same days, with less freedom."""
    paths, _ = trained(tmp_path_factory.mktemp("weaker"), params={"C": 0.001})
    return paths.artifact


def decide(
    made: Trained, champion: Path | None = None, *, is_forced: bool = True, asked: int = 0
) -> Verdict:
    paths, known = made
    rival = None if champion is None else ("shop@v1", champion)
    return judging.decide(paths, known, rival, times_asked=asked, is_forced=is_forced)


def part(verdict: Verdict, name: str) -> Verdict:
    return next(each for each in verdict.parts if each.name == name)


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {each.name: each.outcome.value for each in verdict.parts}


def test_a_sound_model_beats_the_baseline(sound: Trained) -> None:
    verdict = decide(sound)
    assert verdict.outcome is Outcome.PASSED, outcomes(verdict)
    assert verdict.evidence["champion"]["name"] == judging.BASELINE
    assert verdict.evidence["holdout"]["data_hash"] == judging.holdout_asked(sound[0]).digest
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_a_sound_model_passes_against_a_weaker_champion(sound: Trained, weaker: Path) -> None:
    verdict = decide(sound, weaker)
    assert verdict.outcome is Outcome.PASSED, outcomes(verdict)
    assert verdict.evidence["champion"]["name"] == "shop@v1"


def test_the_verdict_is_the_same_when_it_is_asked_again(sound: Trained, weaker: Path) -> None:
    def said() -> Any:
        """All but the measured latency."""
        return [each.to_json() for each in decide(sound, weaker).parts if each.name != "budget"]

    assert said() == said()


def test_the_identical_champion_is_refused(sound: Trained) -> None:
    verdict = decide(sound, sound[0].artifact)
    assert verdict.outcome is Outcome.FAILED
    # Nothing can be learned from holding a file against itself, so nothing else is asked.
    assert [each.name for each in verdict.parts] == ["identity"]
    assert verdict.evidence["champion"]["name"] == "shop@v1"


def test_without_a_reason_to_retrain_not_worse_is_not_enough(sound: Trained, weaker: Path) -> None:
    paths, known = sound
    gate = known.gate.model_copy(update={"minimum_lift": 0.2})
    strict = (paths, known.model_copy(update={"gate": gate}))
    assert decide(strict, weaker, is_forced=True).outcome is Outcome.PASSED
    assert decide(strict, weaker, is_forced=False).outcome is not Outcome.PASSED


def test_a_champion_that_needs_a_column_that_is_gone(sound: Trained, tmp_path: Path) -> None:
    frame = table().assign(loyalty=lambda rows: rows["visits"] + 1)
    schema = replace(SCHEMA, numbers=(*SCHEMA.numbers, "loyalty"))
    champion, _ = trained(tmp_path, frame, schema)
    verdict = decide(sound, champion.artifact)
    assert verdict.outcome is Outcome.ERROR
    assert "columns that the holdout does not have: loyalty" in verdict.reason


def test_a_champion_whose_category_became_a_number(tmp_path: Path, weaker: Path) -> None:
    frame = table().assign(city=lambda rows: rows["city"].map(len, na_action="ignore"))
    frame["city"] = frame["city"].astype("float64")
    schema = replace(SCHEMA, numbers=(*SCHEMA.numbers, "city"), categories=("plan",))
    verdict = decide(trained(tmp_path, frame, schema), weaker)
    assert verdict.outcome is Outcome.ERROR
    assert "city" in verdict.reason


@pytest.mark.parametrize("name", ["model.onnx", "training.json", "trained_on.parquet"])
def test_a_champion_with_a_file_missing(
    sound: Trained, weaker: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "champion"
    shutil.copytree(weaker, folder)
    (folder / name).unlink()
    verdict = decide(sound, folder)
    assert verdict.outcome is Outcome.ERROR
    assert name in verdict.reason


def test_a_challenger_that_was_tampered_with_is_no_question(sound: Trained, tmp_path: Path) -> None:
    shutil.copytree(sound[0].root, tmp_path / "copy")
    paths = ModelPaths(tmp_path / "copy", sound[0].model)
    with (paths.artifact / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="the digest is"):
        decide((paths, sound[1]))


def _in_training(frame: pd.DataFrame) -> pd.Series:
    return frame["day"] < frame["day"].max().floor("D") - pd.Timedelta(days=14)


def _shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    draw = np.random.default_rng(3)
    learned = _in_training(frame)
    shuffled = frame["left"].copy()
    shuffled[learned] = draw.permutation(frame.loc[learned, "left"])
    return frame.assign(left=shuffled)


def _swapped(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(left=frame["left"].where(~_in_training(frame), 1 - frame["left"]))


def _leaked(frame: pd.DataFrame) -> pd.DataFrame:
    draw = np.random.default_rng(4)
    return frame.assign(spend=frame["left"] + 0.01 * draw.normal(size=len(frame)))


def _holdout_rows_in_training(frame: pd.DataFrame) -> pd.DataFrame:
    later = frame[~_in_training(frame)].head(40)
    return pd.concat([later.assign(day=frame["day"].min()), frame], ignore_index=True)


@pytest.mark.parametrize(
    ("fault", "refused_by"),
    [
        (_shuffled, "non-inferiority"),
        (_swapped, "non-inferiority"),
        (_leaked, "single features"),
        (_holdout_rows_in_training, "challenger overlap"),
    ],
)
def test_a_planted_fault_is_refused(
    tmp_path: Path, weaker: Path, fault: Any, refused_by: str
) -> None:
    verdict = decide(trained(tmp_path, fault(table())), weaker)
    assert verdict.outcome is Outcome.FAILED, outcomes(verdict)
    assert part(verdict, refused_by).outcome is Outcome.FAILED, outcomes(verdict)


def test_a_holdout_that_is_too_small_says_how_many_rows_it_needs(
    tmp_path: Path, weaker: Path
) -> None:
    made = trained(tmp_path, table(500), gate={"margin": 0.005})
    verdict = decide(made, weaker)
    assert verdict.outcome is Outcome.INCONCLUSIVE, outcomes(verdict)
    compared = part(verdict, "non-inferiority")
    assert compared.outcome is Outcome.INCONCLUSIVE
    assert any("need" in key for key in compared.evidence), compared.evidence
    assert "need" in compared.reason


def test_a_direction_is_measured(sound: Trained) -> None:
    paths, known = sound

    def judged(**gate: Any) -> Verdict:
        changed = known.model_copy(update={"gate": known.gate.model_copy(update=gate)})
        return part(decide((paths, changed)), "behaviour")

    assert judged(increasing=("spend",), decreasing=("visits",)).outcome is Outcome.PASSED
    assert judged(decreasing=("spend",)).outcome is Outcome.FAILED
    with pytest.raises(SettingsError, match="'city' is no numeric feature") as caught:
        judged(increasing=("city",))
    assert caught.value.where == "params.yaml: gate.increasing"


def test_a_direction_of_an_empty_column_is_not_known(tmp_path: Path) -> None:
    frame = table()
    frame.loc[frame["day"] >= frame["day"].max() - pd.Timedelta(days=20), "age"] = np.nan
    verdict = decide(trained(tmp_path, frame, gate={"increasing": ["age"]}))
    assert part(verdict, "behaviour").outcome is Outcome.INCONCLUSIVE


def test_only_categories_can_be_judged(tmp_path: Path) -> None:
    """A model without a number has edges, too: each of its categories."""
    bare = replace(SCHEMA, numbers=())
    verdict = decide(trained(tmp_path, schema=bare))
    assert part(verdict, "behaviour").outcome is Outcome.PASSED


def test_an_incremental_model_is_held_beside_a_full_one(
    grown: ModelPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = gone_through(grown)
    verdict = decide((grown, known))
    found = verdict.evidence[FULL]
    assert [each["training"] for each in found["trainings"]] == ["incremental", "full"]
    assert found["trainings"][0]["rows"] < found["trainings"][1]["rows"]
    assert not any("full" in each.name for each in verdict.parts)
    assert Verdict.from_json(verdict.to_json()) == verdict
    gate = known.gate.model_copy(update={"compare_full": False})
    without = decide((grown, known.model_copy(update={"gate": gate})))
    assert FULL not in without.evidence
    assert without.outcome is verdict.outcome
    # A parent that is gone by now cannot be gone on from; what the gate found stands.
    monkeypatch.setenv(HOME, str(grown.root / "elsewhere"))
    blind = decide((grown, known))
    assert blind.outcome is verdict.outcome
    assert "v1 is not on this machine" in blind.evidence[FULL]["sentence"]


def test_newer_rows_are_fresh_and_other_rows_are_not(tmp_path: Path) -> None:
    def made(name: str, until: str | None, rows: int) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        write_json({"until": until, "rows": rows}, folder / TRAINING_FILE)
        return folder

    old, narrow, new = (
        made("old", "2013-03-10 00:00:00", 9000),
        made("narrow", "2013-03-10 00:00:00", 5000),
        made("new", "2013-05-10 00:00:00", 9000),
    )
    assert judging.has_fresh_rows(new, old)
    assert not judging.has_fresh_rows(narrow, old)
    assert not judging.has_fresh_rows(old, new)
    few, many = made("few", None, 100), made("many", None, 200)
    assert judging.has_fresh_rows(many, few)
    assert not judging.has_fresh_rows(few, few)
