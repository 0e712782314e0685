"""Evidently's pages: with `dashboard.py` the only place that imports it.

What is decided is decided without it, on the whole window (ADR 0011). It shows a sample of the
window beside the reference, column by column, to people who have to find out what happened; and it
keeps the timeline of windows for `evidently ui`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import MonitorError
from pipelines.files import replacing
from pipelines.settings import MonitorSettings

if TYPE_CHECKING:
    import pandas as pd
    from evidently.core.report import Snapshot

# More columns make a page that no browser shows in a reasonable time.
_MOST_COLUMNS = 40


@dataclass(frozen=True)
class Compared:
    """A sample of a window and the reference, with the same columns.

    Attributes:
        current, reference: rows; numbers are floats, names are texts.
        numbers, categories: their columns, those that moved farthest first.
    """

    current: pd.DataFrame
    reference: pd.DataFrame
    numbers: tuple[str, ...]
    categories: tuple[str, ...]


def write_page(compared: Compared, settings: MonitorSettings, path: Path) -> None:
    """Evidently's own page of the columns, self-contained, some 4 MB.

    Raises:
        MonitorError: Evidently cannot compare the columns.
    """
    _track_nobody()
    from evidently.metrics import ValueDrift

    numbers, categories = _shown(compared)
    metrics: list[Any] = [
        ValueDrift(column=name, method="psi", threshold=settings.minimum_psi) for name in numbers
    ]
    metrics += [
        ValueDrift(column=name, method="jensenshannon", threshold=settings.minimum_js)
        for name in categories
    ]
    snapshot = _run(compared, metrics, None)
    with replacing(path) as temporary:
        snapshot.save_html(str(temporary))


def keep_on_timeline(
    compared: Compared, settings: MonitorSettings, workspace: Path, project: str, at: datetime
) -> None:
    """Add a small snapshot of a window to the workspace that `evidently ui` shows.

    Counts only: a snapshot of every column is a megabyte, and a few hundred of them make the first
    page of the interface take half a minute.

    Raises:
        MonitorError: Evidently cannot compare the columns, or the workspace cannot be written.
    """
    _track_nobody()
    from evidently.metrics import DriftedColumnsCount, RowCount
    from evidently.ui.workspace import Workspace

    numbers, categories = _shown(compared)
    drifted = DriftedColumnsCount(
        # In one order: Evidently draws a line of its own for each other list.
        columns=sorted((*numbers, *categories)),
        num_method="psi",
        num_threshold=settings.minimum_psi,
        cat_method="jensenshannon",
        cat_threshold=settings.minimum_js,
    )
    snapshot = _run(compared, [RowCount(), drifted], at)
    try:
        place = Workspace.create(str(workspace))
        known = next((each for each in place.list_projects() if each.name == project), None)
        place.add_run((known or _begun(place, project)).id, snapshot)
    except OSError as error:
        raise MonitorError(
            f"the timeline cannot be written: {error}",
            where=str(workspace),
            next_step="see to the disk; the verdict itself is on record",
        ) from error


def _begun(place: Any, project: str) -> Any:
    """A project with the two lines that tell a window from the next."""
    from evidently.sdk.models import PanelMetric
    from evidently.sdk.panels import line_plot_panel

    begun = place.create_project(project)
    drifted = PanelMetric(
        legend="columns", metric="DriftedColumnsCount", metric_labels={"value_type": "count"}
    )
    rows = PanelMetric(legend="answers", metric="RowCount")
    begun.dashboard.add_panel(line_plot_panel("Columns that moved", [drifted], size="half"))
    begun.dashboard.add_panel(line_plot_panel("Answers compared", [rows], size="half"))
    return begun


def _track_nobody() -> None:
    # Evidently looks at it when it is imported, and would report what is done with it.
    os.environ.setdefault("DO_NOT_TRACK", "1")


def _shown(compared: Compared) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that Evidently can compare: it raises on one without values on either side."""

    def has_values(name: str) -> bool:
        return bool(compared.current[name].notna().any() and compared.reference[name].notna().any())

    numbers = tuple(filter(has_values, compared.numbers))[:_MOST_COLUMNS]
    return numbers, tuple(filter(has_values, compared.categories))[:_MOST_COLUMNS]


def _run(compared: Compared, metrics: list[Any], at: datetime | None) -> Snapshot:
    from evidently import DataDefinition, Dataset, Report

    numbers, categories = _shown(compared)
    definition = DataDefinition(
        numerical_columns=list(numbers), categorical_columns=list(categories)
    )
    names = [*numbers, *categories]
    try:
        current, reference = (
            Dataset.from_pandas(frame[names], data_definition=definition)
            for frame in (compared.current, compared.reference)
        )
        return Report(metrics).run(current, reference, timestamp=at)
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise MonitorError(
            f"Evidently cannot compare the columns: {error}",
            where="the sample of a window",
            next_step="look at the alarm's own page; the verdict does not depend on this one",
        ) from error
