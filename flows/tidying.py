"""The clean-up as a flow."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger

from flows.cleaning import Asked, clean
from pipelines import settings
from pipelines.errors import BusyError


@flow(name="cleanup", persist_result=False)
def cleanup(
    keep_versions: int = 3, report_days: float = 90.0, root: Path | None = None
) -> dict[str, int]:
    """Remove what nothing needs, model by model.

    Args:
        keep_versions: how many of the newest that were live stay on this machine.
        report_days: how long reports of refused runs, and pages of alarms, are kept.
        root: the project; the current folder by default.

    Returns:
        By model, how many bytes went; -1 where a retrain or a rollout was at work.

    Raises:
        EvergreenError: the store or git fails.
    """
    root, logger = (root or Path.cwd()).resolve(), get_run_logger()
    sizes = {}
    for model in settings.load(root).models:
        try:
            [found] = clean(root, [model], Asked(keep_versions, report_days), is_done=True)
        except BusyError as busy:
            # The next run finds it as it is; the other models need not wait for that.
            logger.info("%s: %s", model, busy.problem)
            sizes[model] = -1
            continue
        for ruling in found.removed:
            logger.info("%s %s: %s", ruling.item.kind, ruling.item.place, ruling.why)
        sizes[model] = found.size
    return sizes
