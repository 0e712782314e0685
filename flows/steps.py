"""The steps of a retrain around its stages; each may be killed and done again."""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from pipelines import lineage, settings
from pipelines.copies import judge_if_copy
from pipelines.errors import SettingsError, StateError
from pipelines.evaluation import report
from pipelines.explanation import card, markdown, words
from pipelines.files import read_json, write_json, write_text
from pipelines.paths import HOME, PROJECT, HomePaths
from pipelines.settings import ModelSettings
from pipelines.state import bentos, ledger, questions, runs
from pipelines.state.leases import Lease
from pipelines.state.ledger import Promotion
from pipelines.state.runs import Run
from pipelines.verdicts import Verdict, combine
from pipelines.versioning import graph, remote, versions
from pipelines.versioning.git import Repository
from pipelines.versioning.workspace import Workspace, open_workspace, override

Needs = dict[str, list[str]]


@dataclass(frozen=True)
class Setting:
    """Where a run takes place: the project, its runtime state, the store, the run itself."""

    project: Repository
    home: HomePaths
    engine: sa.Engine
    run: Run


def prepare(setting: Setting) -> tuple[Workspace, Needs]:
    """Open the run's workspace, with the parameters asked for and all that is still up to date.

    Returns:
        The workspace, and the stages to run there, each with those it waits for.

    Raises:
        SettingsError: the overrides make params.yaml invalid, or card.yaml cannot be used.
    """
    run = setting.run
    for left in setting.home.worktrees.glob(f"{run.model}-*"):
        # Runs that failed or were abandoned leave their tree; the lease says that none is used.
        if left.name != f"{run.model}-{run.id}":
            setting.project.remove_worktree(left)
    _take_back_half_versions(setting)
    done = (earlier.commit for earlier in runs.latest(setting.engine, run.model))
    workspace = open_workspace(
        setting.project, setting.home, run, next((commit for commit in done if commit), None)
    )
    chosen = settings.load(workspace.root).model(run.model)
    if chosen.train.mode == "incremental":
        override(workspace, {"train.parent": _parent(setting)})
    words.read(workspace.paths)  # a card that cannot be read is refused before hours of training
    # For the stages too, which are processes of their own and know only their folder.
    os.environ[PROJECT] = str(setting.project.root)
    os.environ[HOME] = str(setting.home.home)
    # DVC works in the current folder of the process and nowhere else.
    os.chdir(workspace.root)
    with graph.opened(workspace.root) as repo:
        needs = graph.edges(repo, run.model)
        graph.checkout(repo, needs)
    return workspace, needs


def decide(setting: Setting, workspace: Workspace, chosen: ModelSettings) -> tuple[Verdict, str]:
    """Ask the gate, and commit what the stages made with its verdict: the verdict, the commit.

    A run that was killed after it had committed keeps that commit and that verdict. Judged again
    it would be another commit, and another version; and once promoted, it would meet itself.
    """
    if workspace.is_committed(setting.run.base):
        verdict = Verdict.from_json(read_json(workspace.paths.gate))
        commit = workspace.repository.head()
    else:
        verdict = _judge(setting, workspace, chosen)
        write_json(verdict.to_json(), workspace.paths.gate)
        commit = workspace.commit(
            f"Retrain {workspace.model}, gate {verdict.outcome.value}\n\n{setting.run.reason}"
        )
    runs.update(setting.engine, setting.run.id, commit=commit)
    return verdict, commit


def package(
    setting: Setting, workspace: Workspace, chosen: ModelSettings, commit: str, verdict: Verdict
) -> tuple[str, Verdict]:
    """Build the bento of the coming version and prove it: its tag, the verdict with the proof."""
    from pipelines import packaging  # half a second, for those who promote
    from pipelines.gates.full import advised

    number = versions.next_number(setting.project, workspace.model, commit)
    labels = packaging.Labels(git_sha=commit, **lineage.hashes(workspace.root, workspace.model))
    policy = packaging.policy_of(chosen.serve)
    tag = packaging.build(workspace.paths.artifact, labels, f"v{number}", setting.home, policy)
    proof = packaging.prove(
        tag, workspace.paths.artifact, setting.home, chosen.package.start_seconds
    )
    joined = replace(combine("gate", (*verdict.parts, proof)), evidence=verdict.evidence)
    return tag, advised(joined)


def push(setting: Setting, workspace: Workspace, stages: list[str], *, is_promoted: bool) -> int:
    """Send what the stages made to the remote; returns how many files went.

    A promotion asks the remote itself. For the others it is enough that this very dvc.lock went
    to this very remote before.
    """
    sent = None if is_promoted else setting.home.pushed / f"{workspace.model}.json"
    return remote.push(workspace.root, stages, sent)


def release(
    setting: Setting,
    chosen: ModelSettings,
    commit: str,
    verdict: Verdict,
    bento: str,
    lease: Lease,
) -> tuple[str, bool]:
    """Register the commit as a version, and make it live unless a rollout is to do that.

    The tag comes first: a ledger entry without its version would be a lie, a version that was
    never live is only unused. A kill in between is mended by doing both again.

    Returns:
        The version, and whether it is live. The first of a model is at once, as there is no
        champion that a rollout could compare it with.
    """
    version = versions.register(setting.project, setting.run.model, commit)
    live = ledger.live(setting.engine, version.model)
    # Taken up after a kill, the first version finds itself live already.
    is_first = live is None or live.run == setting.run.id
    if chosen.retrain.release == "staged" and not is_first:
        return version.name, False
    ledger.promote(
        setting.engine,
        Promotion(
            model=version.model,
            version=version.name,
            commit=commit,
            who=getpass.getuser(),
            why=setting.run.reason,
            evidence={"bento": bento, "verdict": json.loads(json.dumps(verdict.to_json()))},
            run=setting.run.id,
        ),
        lease,
    )
    return version.name, True


def finish(
    setting: Setting, verdict: Verdict, version: str | None, bento: str | None, *, is_live: bool
) -> None:
    """Write what came of the run; a version that waits for its rollout is known by its bento."""
    status = (runs.PROMOTED if is_live else runs.REGISTERED) if version else runs.REFUSED
    kept = (
        verdict
        if bento is None
        else replace(verdict, evidence={**verdict.evidence, bentos.BENTO: bento})
    )
    runs.finish(setting.engine, setting.run.id, status, version=version, verdict=kept.to_json())


def publish(
    setting: Setting, workspace: Workspace, verdict: Verdict, commit: str, version: str | None
) -> Path:
    """Write report and model card of the run where they stay when the work tree is gone.

    Returns:
        The path of the report; the card is beside it, with the suffix .md.
    """
    model = workspace.model
    page = setting.home.reports / model / f"{version or setting.run.id}.html"
    title = version or f"{model}, run {setting.run.id}"
    made_from = {"commit": commit, **lineage.hashes(workspace.root, model)}
    written = card.sections(workspace.paths, verdict, made_from)
    write_text(report.render(workspace.paths, title, verdict, made_from, written), page)
    write_text(markdown.render(title, written), page.with_suffix(".md"))
    return page


def _take_back_half_versions(setting: Setting) -> None:
    """Remove the tags of runs that ended between tag and ledger and that nobody takes up again."""
    model = setting.run.model
    dead = runs.dead_commits(setting.engine, model)
    if not dead:
        return
    known = {entry.version for entry in ledger.history(setting.engine, model)}
    for version in versions.registered(setting.project, model):
        if version.commit in dead and version.name not in known:
            versions.unregister(setting.project, version)


def _judge(setting: Setting, workspace: Workspace, chosen: ModelSettings) -> Verdict:
    paths, model = workspace.paths, workspace.model
    champion = _champion(setting)
    if (copied := judge_if_copy(paths.artifact, champion)) is not None:
        # The champion held against itself learns nothing of the holdout: it was not asked.
        return copied
    from pipelines import judging  # a second, which a retrain with nothing changed can do without

    is_forced = champion is not None and judging.has_fresh_rows(paths.artifact, champion[1])
    asked = judging.holdout_asked(paths)
    times = questions.times_asked(setting.engine, model, asked, but=setting.run.id)
    verdict = judging.decide(paths, chosen, champion, times_asked=times, is_forced=is_forced)
    if not any(part.name == "identity" and not part.has_passed for part in verdict.parts):
        questions.note(setting.engine, setting.run.id, model, asked)
    return verdict


def _parent(setting: Setting) -> str:
    """The live version, its model fetched: what an incremental training goes on from.

    Raises:
        SettingsError: nothing is live yet.
    """
    model = setting.run.model
    entry = ledger.live(setting.engine, model)
    if entry is None:
        raise SettingsError(
            "an incremental training goes on from the live version, and none is live",
            where=f"params.yaml: models.{model}.train.mode",
            next_step="begin with `full`: `evergreen retrain " + model + " --set train.mode=full`",
        )
    version = versions.find(setting.project, model, entry.version)
    versions.model_folder(setting.project, setting.home, version)
    return f"v{version.number}"


def _champion(setting: Setting) -> tuple[str, Path] | None:
    """Name and model folder of the live version; None if there never was one.

    Raises:
        StateError: there are versions, and the ledger knows of none. Held against the trivial
            baseline instead, anything would pass.
    """
    model = setting.run.model
    entry = ledger.live(setting.engine, model)
    if entry is None:
        known = versions.registered(setting.project, model)
        if known:
            raise StateError(
                f"the ledger says that nothing of {model} is live, but {known[-1].name} exists",
                where=str(setting.home.database),
                next_step="restore state.db from a backup, or say which version is live with "
                f"`evergreen adopt {model} v{known[-1].number}`",
            )
        return None
    version = versions.find(setting.project, model, entry.version)
    return version.name, versions.model_folder(setting.project, setting.home, version)
