"""One look at one window: everything is read here, and judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.errors import CellError
from pipelines.monitoring import (
    attribution,
    declared,
    drift,
    labelled,
    profile,
    quality,
    soundness,
    windows,
)
from pipelines.monitoring.attribution import Attribution
from pipelines.monitoring.baseline import Baseline
from pipelines.monitoring.columns import Expected
from pipelines.monitoring.comparing import NumberSeen
from pipelines.monitoring.evidence import LabelEvidence, Look
from pipelines.monitoring.labelled import Labelled, Logs
from pipelines.monitoring.profile import Profile
from pipelines.monitoring.quality import Watch
from pipelines.monitoring.skew import rows_of, skew
from pipelines.monitoring.spans import Window
from pipelines.settings import ModelSettings, MonitorSettings

# Clocks of servers that are kept in time differ by less.
_CLOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Target:
    """What is looked at, and with which settings.

    Attributes:
        logs: of the model.
        baseline: of its live version.
        settings: of the model as it is today, which say what is too far.
        of_version: the settings that the version was made with, which say what it logs.
        scratch: a folder for what a look needs on disk.
    """

    logs: Logs
    baseline: Baseline
    settings: MonitorSettings
    of_version: ModelSettings
    scratch: Path

    @property
    def expected(self) -> Expected:
        return Expected.of(self.baseline.schema, self.of_version.serve.log)


@dataclass(frozen=True)
class Seen:
    """A look, and what else came of it.

    Attributes:
        look: what was seen, as values.
        profile: of the window; None where there was nothing to profile.
        watch: how far the labelled loss was followed; None where no labels are expected.
    """

    look: Look
    profile: Profile | None
    watch: Watch | None


def look_at(target: Target, window: Window, watch: Watch | None, now: datetime) -> Seen:
    """Look at a window.

    Args:
        target: the version and its logs.
        window: which answers.
        watch: what the last look left; None at the first of a version.
        now: labels that arrived later are not known yet.

    Raises:
        LogError: a log cannot be read.
        SettingsError: the version's rules cannot be asked.
    """
    settings, expected = target.settings, target.expected
    frozen = windows.freeze(
        target.logs.answers, window, expected, target.scratch / "window.parquet"
    )
    if frozen.turned_back_seconds:
        back = f"a clock went back by {frozen.turned_back_seconds:.0f} s in the window"
        return Seen(Look(frozen.rows, f"{back}, so what belongs to it is not known"), None, watch)
    found = Look(frozen.rows)
    seen: Profile | None = None
    if frozen.rows:
        seed = int(window.key(settings)[:8], 16)
        seen = profile.profile(frozen, expected, target.baseline, settings.sample_rows, seed)
        found = _with_columns(found, target, frozen, seen)
    if settings.labels == "expected":
        joined = _join(target, now)
        watch, of_labels = _labels(target, joined, watch, window)
        found = replace(found, labels=of_labels)
    return Seen(found, seen, watch)


def ahead(logs: Logs, now: datetime) -> str:
    """Why the log's times cannot be believed; "" when they can.

    Raises:
        LogError: the log cannot be read.
    """
    later = windows.answers_after(logs.answers, now + timedelta(seconds=_CLOCK_SECONDS))
    if not later:
        return ""
    return f"a clock jumped: {later:,} answers are from after {now:%Y-%m-%d %H:%M:%S} UTC, now"


def _with_columns(look: Look, target: Target, frozen: windows.Frozen, seen: Profile) -> Look:
    baseline, settings, expected = target.baseline, target.settings, target.expected
    unchecked: list[str] = []
    faults = soundness.faults(frozen, seen, baseline.references, settings)
    if not faults:
        rules = declared.rules_for(baseline.files, expected, target.of_version)
        faults, unchecked = declared.broken_rules(seen.sample, rules, target.of_version)
    found = replace(look, faults=tuple(faults), latency_ms=_milliseconds(seen))
    if faults:
        return found
    try:
        found = replace(found, skew=skew(seen.sample, expected, baseline))
    except CellError as error:
        unchecked.append(f"a logged row cannot be asked again: {error.where}: {error.problem}")
    if look.rows >= settings.minimum_rows:
        scores = next(
            seen.seen[name]
            for name in seen.seen
            if name.startswith("output ") and isinstance(seen.seen[name], NumberSeen)
        )
        assert isinstance(scores, NumberSeen)
        found = replace(
            found,
            shifts=tuple(
                drift.shifts(baseline.references, seen.seen, baseline.important, settings)
            ),
            estimated=quality.estimated(scores, baseline),
        )
        if not unchecked:
            found = replace(found, attributions=_attributions(target, seen))
    return replace(found, unchecked=tuple(unchecked))


def _attributions(target: Target, seen: Profile) -> tuple[Attribution, ...]:
    baseline, expected = target.baseline, target.expected
    if not expected.has_all_features:
        return ()
    some = attribution.drawn(rows_of(seen.sample, expected), baseline.schema)
    now = attribution.effects(baseline.session, some, baseline.background)
    return attribution.compared(baseline.attributions, now)


def _join(target: Target, now: datetime) -> Labelled:
    since = now - timedelta(days=target.settings.label_days)
    name = target.baseline.files.name
    path = target.scratch / "labelled.parquet"
    return labelled.join(target.logs, name, since, now, target.expected, path)


def _labels(
    target: Target, joined: Labelled, watch: Watch | None, window: Window
) -> tuple[Watch, LabelEvidence]:
    baseline, settings = target.baseline, target.settings
    begun = quality.begin_watch(baseline, settings)
    if watch is None or watch.detector.limit != begun.detector.limit:
        watch = begun  # at the first look of a version, or after its margin was changed
    found = LabelEvidence(
        answers=joined.answers,
        labels=joined.labels,
        unknown=joined.unknown,
        mature=joined.mature,
        mature_labels=joined.mature_labels,
        coverage=joined.coverage,
        delay_seconds=joined.delay_seconds,
        realised=quality.realised(joined, baseline, settings.sample_rows),
        has_alarmed=False,
        loss_limit=watch.detector.limit,
        log_evidence=quality.evidence_of(watch, settings),
        is_ranking=baseline.schema.task == "binary",
        of_window=joined.within(window.since, window.until),
    )
    # What cannot be believed is not followed: it is looked at again when it was mended.
    if not found.lack(settings) and not found.is_turned_around:
        watch = quality.follow(watch, joined, baseline)
    return watch, replace(
        found,
        has_alarmed=watch.detector.has_alarmed(settings.label_false_alarm),
        log_evidence=quality.evidence_of(watch, settings),
    )


def _milliseconds(seen: Profile) -> tuple[float, float] | None:
    return None if seen.slow_us is None else (seen.slow_us[0] / 1e3, seen.slow_us[1] / 1e3)
