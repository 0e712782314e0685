"""The rules that people declared for a model's data, asked of a window.

Only those that can be asked of live rows: about values of features that are logged. A window has no
label yet, and says nothing of how many rows a training wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.monitoring.baseline import EXPECTATIONS, VersionFiles
from pipelines.monitoring.columns import Expected
from pipelines.monitoring.soundness import Fault
from pipelines.predictions.layout import FEATURE
from pipelines.settings import ModelSettings
from pipelines.validation.rules import Rule

if TYPE_CHECKING:
    import pyarrow as pa

_OF_VALUES = ("expect_column_values_", "expect_column_proportion_of_non_null")


def rules_for(files: VersionFiles, expected: Expected, settings: ModelSettings) -> list[Rule]:
    """The rules of the version that a window can be held to.

    Args:
        files: of the version; without expectations there are no rules.
        expected: which columns are logged.
        settings: of the version, whose dates its rules may name.

    Raises:
        SettingsError: the expectations cannot be read.
    """
    from pipelines.validation import parameters, rules

    path = files.evidence / EXPECTATIONS
    if not path.exists():
        return []
    there = {*expected.numbers, *expected.categories}
    declared = rules.load(path, parameters.window(settings), name=f"{files.name}: {path.name}")
    return [
        rule
        for rule in declared.rows
        if rule.columns and there.issuperset(rule.columns) and rule.type.startswith(_OF_VALUES)
    ]


def broken_rules(
    sample: pa.Table, rules: list[Rule], settings: ModelSettings
) -> tuple[list[Fault], list[str]]:
    """Hold a sample of a window to rules.

    Returns:
        The critical ones that do not hold, and why any of them could not be asked.

    Raises:
        SettingsError: a rule cannot be asked of any data.
    """
    if not rules or sample.num_rows == 0:
        return [], []
    from pipelines.validation import expectations, quarantine
    from pipelines.verdicts import Outcome

    names = sorted({name for rule in rules for name in rule.columns})
    rows = sample.select([FEATURE + name for name in names]).rename_columns(names)
    frame = rows.to_pandas()
    found, unchecked = [], []
    results = expectations.check("window", frame, rules)
    for result in results:
        about = ", ".join(result.columns)
        if result.outcome is Outcome.ERROR:
            unchecked.append(f"{about}: {result.rule} could not be checked: {result.observed}")
        elif result.outcome is Outcome.FAILED and result.is_blocking:
            demand = f" ({result.demand})" if result.demand else ""
            found.append(Fault(f"feature {about}", f"{result.rule}{demand}: {result.observed}"))
    taken = len(quarantine.reasons_of(results)) / len(frame)
    if taken > settings.validate_.max_quarantine_share:
        found.append(Fault("window", f"{taken:.0%} of the rows would be put into quarantine"))
    return found, unchecked
