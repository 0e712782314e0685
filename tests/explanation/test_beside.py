"""What a card says of a teacher and of a full training, and that it is silent without them."""

from __future__ import annotations

from pipelines.explanation import beside
from pipelines.gates.full import FULL, without_full
from pipelines.verdicts import Outcome, Verdict

GATE = Verdict("gate", Outcome.PASSED, "all passed")


def test_a_comparison_is_a_section_with_both_trainings() -> None:
    found = {
        "sentence": "a full training is not shown to be better",
        "measure": "AUC",
        "trainings": [
            {"training": "incremental", "rows": 1200, "seconds": 0.5, "quality": 0.71},
            {"training": "full", "rows": 5000, "seconds": 2.25, "quality": 0.7},
        ],
    }
    [section] = beside.full_training(Verdict("gate", Outcome.PASSED, "ok", {FULL: found}))
    assert section.paragraphs == ("A full training is not shown to be better.",)
    assert section.header == ("Training", "Rows", "Seconds to fit", "AUC")
    assert section.rows[1] == ("full", "5\N{NARROW NO-BREAK SPACE}000", "2.25", "0.7000")


def test_a_comparison_that_could_not_be_made_is_a_sentence() -> None:
    [section] = beside.full_training(without_full(GATE, "the parent is gone"))
    assert section.paragraphs == ("Not compared with a full training: the parent is gone.",)
    assert section.rows == ()


def test_without_any_there_is_nothing_to_say() -> None:
    assert beside.full_training(None) == beside.full_training(GATE) == []
    assert beside.teacher({"teacher": None}) == []


def test_a_distilled_model_names_its_teacher() -> None:
    [said] = beside.teacher({"teacher": {"student": {"units": 64, "epochs": 60}}})
    assert "a smaller model of the same family (units 64, epochs 60)" in said
