"""Pages for people: one for each alarm, and the timeline of all windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from pipelines import reporting
from pipelines.files import write_text
from pipelines.monitoring import evidently_report, plots, records
from pipelines.monitoring.action import Action
from pipelines.monitoring.check import Checked
from pipelines.monitoring.evidently_report import Compared
from pipelines.monitoring.records import Record
from pipelines.monitoring.samples import side_by_side
from pipelines.reporting import formats
from pipelines.verdicts import Outcome

PAGE = "alarm.html"
EVIDENTLY = "evidently.html"
_MOST_PLOTS = 6
_PAST = 30
_TONES = {
    Outcome.PASSED: "good",
    Outcome.FAILED: "bad",
    Outcome.INCONCLUSIVE: "warn",
    Outcome.ERROR: "bad",
}
_HEADINGS = {
    Action.NOTHING: "nothing follows from it",
    Action.RETRAIN: "a retrain was asked for",
    Action.QUARANTINE: "the window is in quarantine, and nothing is trained because of it",
    Action.MEND: "a person has to mend the server",
}


def publish(engine: sa.Engine, folder: Path, timeline: Path, checked: Checked) -> Record:
    """Write the page of an alarm, keep the window on the timeline, and put both on record.

    Args:
        engine: of the state store.
        folder: of the model's reports.
        timeline: the workspace of all models.
        checked: a window; one that could not be compared leaves nothing.

    Raises:
        MonitorError: Evidently cannot compare the columns; the verdict is on record before.
    """
    record, seen, target = checked.record, checked.seen, checked.target
    if seen is None or target is None or seen.profile is None:
        return record
    compared = side_by_side(seen.profile.sample, target.expected, target.baseline, seen.look.shifts)
    if record.verdict.outcome is Outcome.FAILED:
        name = f"{record.window.until:%Y%m%dT%H%M%S}-{record.key[:8]}"
        page = folder / "alarms" / name / PAGE
        is_compared = bool(seen.look.shifts)
        if is_compared:
            evidently_report.write_page(compared, target.settings, page.with_name(EVIDENTLY))
        past = records.latest(engine, record.window.model, _PAST)
        write_text(render(checked, compared, past, has_evidently=is_compared), page)
        record = replace(record, report=str(page))
        records.save(engine, record)
    if seen.look.shifts:
        evidently_report.keep_on_timeline(
            compared, target.settings, timeline, record.window.model, record.window.until
        )
    return record


def render(
    checked: Checked, compared: Compared, past: Sequence[Record], *, has_evidently: bool
) -> str:
    """The page of an alarm as text: why, what was seen, and what came before."""
    record, seen, target = checked.record, checked.seen, checked.target
    assert seen is not None
    assert target is not None
    shown = [shift for shift in seen.look.shifts if shift.name in compared.numbers]
    return reporting.render(
        "monitoring/alarm.html.j2",
        record=record,
        look=seen.look,
        action=_HEADINGS[record.action],
        tones={outcome.value: tone for outcome, tone in _TONES.items()},
        figures=_figures(checked),
        plots=[(shift, _plot(compared, shift.name)) for shift in shown[:_MOST_PLOTS]],
        past=past,
        evidently=EVIDENTLY if has_evidently else None,
    )


def _figures(checked: Checked) -> list[tuple[str, str, str]]:
    assert checked.seen is not None
    look = checked.seen.look
    found: list[tuple[str, str, str]] = [("answers", formats.count(look.rows), "in the window")]
    if look.labels is not None:
        share = formats.share(look.labels.coverage)
        found.append(("labelled", share, "of the answers that are old enough"))
        if look.labels.realised.quality is not None:
            measured = look.labels.realised
            note = f"{measured.at_release:.4f} on the holdout"
            found.append(("quality", f"{look.labels.realised.quality.value:.4f}", note))
    if look.estimated is not None:
        note = f"{look.estimated.at_release:.4f} at its release"
        found.append(("promised", f"{look.estimated.value:.4f}", note))
    if look.latency_ms is not None:
        found.append(
            ("latency", f"{look.latency_ms[0]:.3g} ms", f"p99 {look.latency_ms[1]:.3g} ms")
        )
    return found


def _plot(compared: Compared, name: str) -> Any:
    drawn = plots.distributions(compared.reference[name], compared.current[name], name)
    return Markup(drawn)  # noqa: S704  our own drawing
