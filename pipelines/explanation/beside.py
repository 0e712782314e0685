"""What the card says of models that a version stands beside: its teacher, and a full training."""

from __future__ import annotations

from typing import Any

from pipelines.evaluation.report import Section
from pipelines.gates.full import FULL
from pipelines.reporting import formats
from pipelines.verdicts import Verdict


def full_training(verdict: Verdict | None) -> list[Section]:
    """A section for an incremental model; the gate leaves nothing of it for the others."""
    found = verdict.evidence.get(FULL) if verdict is not None else None
    if not found:
        return []
    sentence = f"{found['sentence'][0].upper()}{found['sentence'][1:]}."
    return [
        Section(
            "Full against incremental",
            (sentence,),
            header=("Training", "Rows", "Seconds to fit", found["measure"])
            if "trainings" in found
            else (),
            rows=tuple(
                (
                    each["training"],
                    formats.count(each["rows"]),
                    f"{each['seconds']:.2f}",
                    f"{each['quality']:.4f}",
                )
                for each in found.get("trainings", [])
            ),
        )
    ]


def teacher(training: dict[str, Any]) -> list[str]:
    """A paragraph for a distilled model; nothing for any other.

    Args:
        training: the content of training.json.
    """
    if not training["teacher"]:
        return []
    taken = ", ".join(f"{name} {value}" for name, value in training["teacher"]["student"].items())
    return [
        f"That was the teacher. What is served is a smaller model of the same family ({taken}) "
        "which learned from the teacher's answers; both exports were held to their models."
    ]
