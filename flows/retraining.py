"""The retraining flow: lease, worktree, stages, gate, package, register, promote."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows import artifacts, cluster, steps
from flows.stages import StageRun, run_stages
from flows.steps import Setting
from pipelines import settings
from pipelines.errors import EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN, BusyError, StateError
from pipelines.orphans import LOOK_EVERY_SECONDS
from pipelines.paths import HOME, PROJECT, home
from pipelines.stages import ingest
from pipelines.state import leases, runs, store
from pipelines.state.leases import Lease
from pipelines.state.runs import Run
from pipelines.verdicts import Outcome, Verdict
from pipelines.versioning.git import Repository
from pipelines.versioning.workspace import require_clean

T = TypeVar("T")
BY_A_PERSON = "asked for by a person"


@dataclass(frozen=True)
class Result:
    """What came of a retrain. `version` is None unless the gate passed; seconds are by step.

    `is_live` is False of a version that a rollout has yet to bring to users.
    """

    model: str
    run: str
    branch: str
    commit: str
    version: str | None
    is_live: bool
    bento: str | None
    verdict: Verdict
    stages: list[StageRun]
    seconds: dict[str, float]
    report: Path

    @property
    def exit_code(self) -> int:
        if self.verdict.has_passed:
            return EXIT_DONE
        return EXIT_REFUSED if self.verdict.outcome is Outcome.FAILED else EXIT_UNKNOWN

    def to_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "verdict": self.verdict.to_json(),
            "stages": [asdict(stage) for stage in self.stages],
            "report": str(self.report),
        }


@flow(name="retrain", flow_run_name="retrain-{model}", persist_result=False)
def retrain(
    model: str,
    overrides: dict[str, Any] | None = None,
    reason: str = BY_A_PERSON,
    is_committed: bool = False,
    root: Path | None = None,
    answers: tuple[int, int] | None = None,
) -> Result:
    """Retrain one model, and promote it if the gate passes.

    Args:
        model: its name in params.yaml.
        overrides: dotted keys below the model and their values, as in {"ingest.until": "2013-05"}.
        reason: why, in words; it is written into the ledger.
        is_committed: retrain from HEAD although the tree has changes.
        root: the project; the current folder by default.
        answers: the trigger of the inbox that asked for it, and which attempt this is.

    Raises:
        BusyError: another run of this model holds the lease.
        EvergreenError: whatever else stopped it; a second call goes on from where it stopped.
    """
    root = (root or Path.cwd()).resolve()
    project, places = Repository.at(root), home(root)
    chosen = settings.load(root).model(model)
    lease_seconds = chosen.retrain.lease_seconds
    if not is_committed:
        require_clean(project, model)
    engine = store.connect(places.database)
    logger = get_run_logger()
    with leases.hold(engine, f"retrain/{model}", f"a retrain of {model}", lease_seconds) as lease:
        run, is_taken_up = runs.begin(engine, model, project.head(), overrides or {}, reason)
        logger.info("run %s of %s from commit %s", run.id, model, run.base[:12])
        if answers is not None:
            _tell_inbox(engine, answers, run)
        if is_taken_up:
            logger.info("it was killed before, and goes on")
            # Let the stage that it left behind see that its parent is gone.
            time.sleep(3 * LOOK_EVERY_SECONDS)
        with _failure_recorded(engine, run), _surroundings_kept():
            return _walk(_Walk(Setting(project, places, engine, run), lease))


@dataclass(frozen=True)
class _Walk:
    """A run on its way through the steps, and how long each took, in seconds."""

    setting: Setting
    lease: Lease
    seconds: dict[str, float] = field(default_factory=dict)

    def step(self, name: str, function: Callable[..., T], *given: Any) -> T:
        """Run one step as a Prefect task, unless somebody else holds the lease by now."""
        self.lease.require()
        as_task = task(name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False)(
            function
        )
        with _timed(name, self.seconds):
            return as_task(*given)


def _walk(walk: _Walk) -> Result:
    """All steps in order; what is done already is found and not done again."""
    setting, model = walk.setting, walk.setting.run.model
    workspace, needs = walk.step("workspace", steps.prepare, setting)
    chosen = settings.load(workspace.root).model(model)
    walk.step("source", ingest.record, workspace.paths, chosen)
    with _timed("stages", walk.seconds), cluster.for_search(chosen):
        stages = run_stages(workspace.root, needs, chosen.retrain)
    verdict, commit = walk.step("gate", steps.decide, setting, workspace, chosen)
    bento = version = None
    is_live = False
    if verdict.has_passed:
        asked = (setting, workspace, chosen, commit, verdict)
        bento, verdict = walk.step("package", steps.package, *asked)
    if chosen.retrain.push:
        # Before the version exists: a version whose data is on one disk only is not safe.
        names = [stage.stage for stage in stages]
        pushed = partial(steps.push, is_promoted=verdict.has_passed)
        walk.step("push", pushed, setting, workspace, names)
    if verdict.has_passed and bento:
        version, is_live = walk.step(
            "promote", steps.release, setting, chosen, commit, verdict, bento, walk.lease
        )
    page = walk.step("report", steps.publish, setting, workspace, verdict, commit, version)
    steps.finish(setting, verdict, version, bento, is_live=is_live)
    artifacts.publish(model, workspace.paths, verdict, page.as_uri())
    setting.project.remove_worktree(workspace.root)
    return Result(
        model,
        setting.run.id,
        workspace.branch,
        commit,
        version,
        is_live,
        bento,
        verdict=verdict,
        stages=stages,
        seconds=walk.seconds,
        report=page,
    )


@contextmanager
def _timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - started, 2)


def _tell_inbox(engine: sa.Engine, answers: tuple[int, int], run: Run) -> None:
    from pipelines.monitoring.triggers import inbox  # a second, which a retrain by hand can spare

    try:
        inbox.began(engine, *answers, run.id)
    except BusyError:
        runs.finish(engine, run.id, runs.ABANDONED)
        raise


@contextmanager
def _failure_recorded(engine: sa.Engine, run: Run) -> Iterator[None]:
    """A run that ends with an error is marked failed; a killed one stays `running`."""
    try:
        yield
    except Exception as error:
        verdict = Verdict("run", Outcome.ERROR, str(error)).to_json()
        # A store that cannot note it must not hide it; the run stays `running`, and goes on.
        with suppress(StateError):
            runs.finish(engine, run.id, runs.FAILED, verdict=verdict)
        raise


@contextmanager
def _surroundings_kept() -> Iterator[None]:
    """A run works in its own folder and tells its stages where; the process goes on elsewhere."""
    folder = Path.cwd()
    told = {name: os.environ.get(name) for name in (PROJECT, HOME)}
    try:
        yield
    finally:
        os.chdir(folder)
        for name, value in told.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
