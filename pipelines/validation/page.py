"""The page of a validation: the same facts as validation.json, for a person."""

from __future__ import annotations

from itertools import groupby

from pipelines import reporting
from pipelines.reporting.formats import count
from pipelines.validation.results import Report, Result
from pipelines.validation.rules import Severity
from pipelines.verdicts import Outcome

FILE = "index.html"

_TONES = {Severity.CRITICAL: "bad", Severity.WARNING: "warn", Severity.INFO: "calm", None: "good"}
_WORDS = {
    Outcome.PASSED: "holds",
    Outcome.FAILED: "does not hold",
    Outcome.INCONCLUSIVE: "nothing to check",
    Outcome.ERROR: "could not be checked",
}
_ORDER = (Severity.CRITICAL, Severity.WARNING, Severity.INFO, None)


def render(report: Report) -> str:
    """The page as one HTML file that needs nothing else."""
    tone, word, sentence = _verdict(report)
    return reporting.render(
        "validation/index.html.j2",
        report=report,
        tone=tone,
        word=word,
        sentence=sentence,
        groups=[
            (table, list(results))
            for table, results in groupby(report.results, key=lambda result: result.table)
        ],
        ordered=_ordered,
        tones=_TONES,
        words=_WORDS,
    )


def _ordered(results: list[Result]) -> list[Result]:
    """What needs a person first; within that the order of the rules."""
    return sorted(results, key=lambda result: _ORDER.index(result.weight))


def _verdict(report: Report) -> tuple[str, str, str]:
    rows = report.counts["rows"]
    kept = f"{count(rows.kept)} of {count(rows.read)} rows are fit to train on"
    if report.blocking:
        number = len(report.blocking)
        rules = "critical rule does" if number == 1 else "critical rules do"
        return "bad", "Stopped", f"{number} {rules} not hold. Nothing was passed on."
    warnings = report.failures(Severity.WARNING)
    if warnings:
        rules = "rule deserves" if warnings == 1 else "rules deserve"
        return "warn", "Passed, with warnings", f"{kept}; {warnings} {rules} a look."
    return "good", "Passed", f"{kept}; every rule that matters holds."
