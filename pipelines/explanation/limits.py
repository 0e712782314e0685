"""What the evidence says against relying on a model, in sentences."""

from __future__ import annotations

from typing import Any

from pipelines.explanation.evidence import Evidence
from pipelines.reporting import formats

_NAMED = 5


def found(known: Evidence) -> list[str]:
    """One sentence for each limit; every one is said, also when it is a good one."""
    return [
        _period(known),
        _against_baseline(known.evaluation),
        *_slices(known.evaluation),
        _off(known.evaluation),
        _missing(known),
        _quarantined(known.validation),
    ]


def within(interval: dict[str, float]) -> str:
    """A value with its interval: 0.7013 (0.6820 to 0.7206)."""
    return f"{interval['value']:.4f} ({interval['low']:.4f} to {interval['high']:.4f})"


def _period(known: Evidence) -> str:
    sides = known.split
    if "first" not in sides["train"]:
        return (
            "The data has no time: whether the model holds in another season or year has not "
            "been tested."
        )
    return (
        f"It learned from {sides['train']['first']} to {sides['tuning']['last']} and was judged "
        f"on {sides['holdout']['first']} to {sides['holdout']['last']}. Nothing is known of it "
        "outside these days."
    )


def _against_baseline(evaluation: dict[str, Any]) -> str:
    measure = evaluation["measure"]
    reached = evaluation["metrics"][measure["key"]]
    baseline = evaluation["baseline"][measure["key"]]["value"]
    is_better = reached["high"] < baseline if measure["is_loss"] else reached["low"] > baseline
    against = (
        f"the trivial baseline, which says the same for every row: {measure['name']} "
        f"{within(reached)} against {baseline:.4f}"
    )
    if is_better:
        return f"Its interval lies on the better side of {against}."
    return (
        f"Its interval does not exclude {against}. By these numbers it may be worth no more than "
        "that; the gate compares row by row, and sees more."
    )


def _slices(evaluation: dict[str, Any]) -> list[str]:
    slices, name = evaluation["slices"], evaluation["measure"]["name"]
    if not slices:
        return ["No slices were asked for (evaluate.slices): where it is worse is not known."]
    judged = [each for each in slices if each["quality"] is not None]
    small = [each for each in slices if each["quality"] is None]
    sentences = []
    if judged:
        sign = -1 if evaluation["measure"]["is_loss"] else 1
        worst = min(judged, key=lambda each: sign * each["quality"]["value"])
        sentences.append(
            f"Of {len(judged)} slices it is worst on {worst['column']} {worst['value']} "
            f"({formats.count(worst['rows'])} rows): {name} {within(worst['quality'])}."
        )
    if small:
        named = ", ".join(f"{each['column']} {each['value']}" for each in small[:_NAMED])
        more = f" and {len(small) - _NAMED} more" if len(small) > _NAMED else ""
        sentences.append(f"Too few rows to say anything of: {named}{more}.")
    return sentences


def _off(evaluation: dict[str, Any]) -> str:
    metrics = evaluation["metrics"]
    if evaluation["task"] != "regression":
        return (
            f"Its probabilities are off by {within(metrics['ece'])} on average (expected "
            "calibration error): they are no more exact than that."
        )
    bias = metrics["bias"]
    if bias["low"] <= 0 <= bias["high"]:
        return f"No bias is shown: predictions minus truth are on average {within(bias)}."
    side = "above" if bias["value"] > 0 else "below"
    return f"Its predictions lie {side} the truth: on average by {within(bias)}."


def _missing(known: Evidence) -> str:
    there = [(name, share) for name, share in known.missing.items() if share > 0]
    if not there:
        return (
            "No feature had a missing value among the reference rows: what the model makes of "
            "one has been tried on made-up rows only."
        )
    named = ", ".join(f"{name} {formats.share(share)}" for name, share in there[:_NAMED])
    return f"Most often missing where it learned: {named}."


def _quarantined(validation: dict[str, Any]) -> str:
    rows = validation["tables"]["rows"]
    if not rows["quarantined"]:
        return "No row was in quarantine."
    return (
        f"{formats.count(rows['quarantined'])} of {formats.count(rows['read'])} rows "
        f"({formats.share(rows['quarantined_share'])}) were in quarantine: it neither learned "
        "from rows like these nor was judged on them."
    )
