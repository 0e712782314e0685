"""Reading verbs: what is live, what runs, where a report is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.errors import WorkspaceError
from pipelines.paths import home
from pipelines.state import leases, ledger, runs, store
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from pipelines.versioning.versions import Version
from pipelines.versioning.workspace import require_clean


def overview(root: Path) -> list[dict[str, Any]]:
    """One row a model: live version, holder of its lease, last run."""
    engine = store.connect(home(root).database)
    rows = []
    for model in settings.load(root).models:
        live = ledger.live(engine, model)
        latest = runs.latest(engine, model, most=1)
        rows.append(
            {
                "model": model,
                "live": live.version if live else None,
                "since": live.at if live else None,
                "running": leases.holder(engine, f"retrain/{model}"),
                "last_run": latest[0].id if latest else None,
                "last_status": latest[0].status if latest else None,
                "last_reason": (latest[0].verdict or {}).get("reason") if latest else None,
            }
        )
    return rows


def preflight(root: Path, model: str, *, is_committed: bool) -> None:
    """Refuse at once what a retrain would refuse after its server has started.

    Raises:
        WorkspaceError: no repository, or what the retrain depends on is not committed.
        BusyError: another retrain of this model is running.
    """
    repository = Repository.at(root)
    if not is_committed:
        require_clean(repository, model)
    leases.require_free(store.connect(home(root).database), f"retrain/{model}")


def live_version(root: Path, name: str) -> Version:
    """The version that `flights` (the live one) or `flights@v3` stands for.

    Raises:
        SettingsError: there is no such model.
        WorkspaceError: nothing of it is live yet, or there is no such version.
    """
    model, _, number = name.partition("@")
    settings.load(root).model(model)
    repository = Repository.at(root)
    if number:
        return versions.find(repository, model, number)
    entry = ledger.live(store.connect(home(root).database), model)
    if entry is None:
        raise WorkspaceError(
            f"no version of {model} is live yet",
            where="the ledger",
            next_step=f"run `evergreen retrain {model}`",
        )
    return versions.find(repository, model, entry.version)


def report_of(root: Path, model: str, number: str | None, kind: str = ".html") -> Path:
    """The report of a version, or with the `kind` ".md" its card; of the live one if none is named.

    Raises:
        WorkspaceError: there is no such version, or its report is not on this machine.
    """
    version = live_version(root, f"{model}@{number}" if number else model)
    page = home(root).reports / model / f"{version.name}{kind}"
    if not page.exists():
        at = f"look at the `reports` output of its commit: `git checkout {version.commit[:12]}`"
        what, next_step = "report", f"{at} in another clone and `dvc pull`"
        if kind == ".md":
            # Unlike the report it is no output of a stage: it holds the verdict.
            what = "card"
            next_step = "copy it from the machine that made the version; a retrain writes a new one"
        raise WorkspaceError(
            f"the {what} of {version.name} is not on this machine",
            where=str(page),
            next_step=next_step,
        )
    return page
