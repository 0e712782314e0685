"""params.yaml: what is wrong is named, with what is allowed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import registry, settings
from pipelines.errors import EXIT_BAD_INPUT, SettingsError
from tests.small import MODEL, content

ROOT = Path(__file__).parents[2]


def wrong(change: dict[str, Any]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        settings.parse(change)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    assert settings.PARAMS_FILE in caught.value.where
    assert caught.value.next_step
    return caught.value


def test_the_projects_own_file_is_right() -> None:
    loaded = settings.load(ROOT)
    assert "flights" in loaded.models
    assert loaded.model("flights").train.family in registry.MODEL_FAMILIES


def test_validate_is_the_name_in_the_file() -> None:
    known = settings.parse(content(validate={"freshness_days": 9})).model(MODEL)
    assert known.validate_.freshness_days == 9
    assert "validate_" in str(wrong(_with("validate_", {})))


def _with(key: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(content())
    *parents, last = key.split(".")
    section = changed["models"][MODEL]
    for parent in parents:
        section = section.setdefault(parent, {})
    section[last] = value
    return changed


@pytest.mark.parametrize(
    ("key", "kind", "table"),
    [
        ("ingest.dataset", "dataset", registry.DATASETS),
        ("train.family", "family", registry.MODEL_FAMILIES),
        ("tune.sampler", "sampler", registry.SAMPLERS),
        ("tune.pruner", "pruner", registry.PRUNERS),
    ],
)
def test_an_unknown_name_lists_the_allowed_ones(key: str, kind: str, table: dict[str, str]) -> None:
    message = str(wrong(_with(key, "alchemy")))
    assert f"models.{MODEL}.{key}: unknown {kind} 'alchemy'" in message
    assert ", ".join(sorted(table)) in message


def test_an_unknown_model_lists_the_models() -> None:
    with pytest.raises(SettingsError, match=f"unknown model 'flihgts'; allowed: {MODEL}"):
        settings.parse(content()).model("flihgts")


def test_an_unknown_stage_of_a_timeout_lists_the_stages() -> None:
    message = str(wrong(_with("retrain.timeout_minutes", {"tain": 5.0})))
    assert "unknown stage tain" in message
    assert ", ".join(registry.STAGES) in message
    assert "timeout_minutes.train" in str(wrong(_with("retrain.timeout_minutes", {"train": 0})))


@pytest.mark.parametrize(
    ("key", "near", "allowed"),
    [
        ("tune.trails", "did you mean trials?", "sampler, pruner, trials, workers, objectives"),
        ("validate.freshnes_days", "did you mean freshness_days?", "exact_repeats"),
        ("gate.budget.latncy_ms", "did you mean latency_ms?", "latency_ms, megabytes"),
        ("evalute", "did you mean evaluate?", "ingest, validate, split, tune, train"),
    ],
)
def test_an_unknown_key_suggests_the_nearest_of_its_own_section(
    key: str, near: str, allowed: str
) -> None:
    message = str(wrong(_with(key, 1)))
    assert f"models.{MODEL}.{key}: unknown key" in message
    assert near in message
    assert allowed in message


def test_a_model_may_be_called_like_a_section() -> None:
    changed = {"models": {"train": content()["models"][MODEL] | {"spilt": {}}}}
    assert "models.train.spilt: unknown key (did you mean split?)" in str(wrong(changed))


def test_an_unknown_key_at_the_top() -> None:
    assert "modles: unknown key (did you mean models?)" in str(wrong({**content(), "modles": {}}))


def test_every_fault_is_named_at_once() -> None:
    changed = _with("tune.trials", "many")
    del changed["models"][MODEL]["train"]["family"]
    message = str(wrong(changed))
    assert f"models.{MODEL}.tune.trials" in message
    assert "(seen: 'many')" in message
    assert f"models.{MODEL}.train.family: missing" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tune.trials", 0),
        ("tune.trials", 1.5),
        ("tune.workers", None),
        ("ingest.source", ""),
        ("ingest.until", "2013-13"),
        ("ingest.until", "May 2013"),
        ("ingest.until", "\N{ARABIC-INDIC DIGIT TWO}013-05"),
        ("split.holdout_share", 1.0),
        ("split.tuning_share", 0.8),
        ("gate.alpha", 0),
        ("train.golden_rows", 999),
        ("train.fixed", {"max_iter": [1]}),
        ("package.start_seconds", -1),
        ("validate.exact_repeats", "drop"),
        ("tune", []),
    ],
)
def test_a_wrong_value_names_its_key(key: str, value: Any) -> None:
    assert f"models.{MODEL}.{key.partition('.')[0]}" in str(wrong(_with(key, value)))


def test_a_student_has_a_teacher_and_a_distillation_has_a_student() -> None:
    family = {"family": "keras_mlp"}
    assert "needs `student`" in str(wrong(content(train={**family, "compress": "distilled"})))
    assert "`student` needs" in str(wrong(content(train={**family, "student": {"units": 4}})))
    both = {**family, "compress": "distilled", "student": {"units": 4}}
    assert settings.parse(content(train=both)).model(MODEL).train.student == {"units": 4}
    cold = {**both, "distillation": {"temperature": 0}}
    assert "train.distillation.temperature" in str(wrong(content(train=cold)))


def test_a_huge_value_does_not_fill_the_screen() -> None:
    assert len(str(wrong(_with("tune.trials", "x" * 10_000)))) < 1000


@pytest.mark.parametrize("name", ["Flights", "1st", "a-b", "", "a" * 41, "a/b", "a b"])
def test_a_name_that_cannot_be_a_folder_and_a_tag_is_refused(name: str) -> None:
    changed = {"models": {name: content()["models"][MODEL]}}
    assert "is not a model name" in str(wrong(changed))


def test_no_models_at_all() -> None:
    assert "models" in str(wrong({"models": {}}))
    assert "models: missing" in str(wrong({}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"models: [", "not readable as YAML"),
        (b"- a", "holds list, not a mapping"),
        (b"", "holds NoneType, not a mapping"),
        (b"models: \xff", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_params_file(tmp_path: Path, text: bytes, expected: str) -> None:
    (tmp_path / "params.yaml").write_bytes(text)
    with pytest.raises(SettingsError, match=expected) as caught:
        settings.load(tmp_path)
    assert str(tmp_path / "params.yaml") in caught.value.where


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the file is missing"):
        settings.load(tmp_path)


def test_settings_do_not_change_after_they_were_read() -> None:
    known = settings.parse(content()).model(MODEL)
    with pytest.raises(ValueError, match="frozen"):
        known.tune.trials = 99  # type: ignore[misc]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("models"), inner),
        max_leaves=12,
    )
)
def test_whatever_stands_in_the_file_the_answer_is_settings_or_an_explanation(value: Any) -> None:
    with pytest.raises(SettingsError):
        settings.parse({"models": {"flights": value}})
