"""What has to be true of a project: after every kill, and once nobody kills any more."""

from __future__ import annotations

import hashlib
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path

import psutil
import pyarrow.compute as pc

from pipelines.errors import BusyError
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import State
from pipelines.predictions.read import read
from pipelines.releasing.project import Project as Released
from pipelines.releasing.registered import require
from pipelines.state import bentos, leases, ledger, runs, store
from pipelines.state.store import leases as lease_rows
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from tests.faults.soak.acts import MODEL, MOST, noted
from tests.orchestration import processes_in
from tests.throwaway import Project


class Truths:
    """Of one project; remembers what was true before."""

    def __init__(self, project: Project, notes: Path) -> None:
        self._project, self._notes = project, notes
        self._engine = store.connect(project.home.database)
        self._closed: dict[int, State] = {}
        # What was judged before anybody was killed answers no trigger.
        self._before = {run.id for run in self._runs()}

    def after_a_kill(self) -> None:
        """No trigger lost or doubled, no lease stuck, no version without its run."""
        self._triggers()
        self._leases()
        self._versions()

    def of_the_log(self) -> None:
        """Every answer that was given is on record, once."""
        wanted = Counter({each["request"]: each["rows"] for each in noted(self._notes, "request")})
        if not wanted:
            return
        counted = pc.value_counts(read(self._project.home.predictions(MODEL))["request_id"])
        found = {str(each["values"]): each["counts"].as_py() for each in counted}
        lost = {name: rows for name, rows in wanted.items() if found.get(name) != rows}
        assert not lost, f"answers that were given are not on record as often: {lost}"

    def in_the_end(self) -> None:
        """One story: each retrain answers one trigger, each version is whole, nothing is left."""
        self.after_a_kill()
        self.of_the_log()
        triggers = inbox.listed(self._engine, MODEL, MOST)
        assert [each for each in triggers if each.state.is_open] == []
        # One that was begun too often in vain still says which run was the last of them.
        ended = [each for each in triggers if each.run and not each.why.startswith("given up")]
        answered = Counter(each.run for each in ended)
        judged = {run.id for run in self._runs() if run.status in runs.JUDGED} - self._before
        odd = judged ^ set(answered)
        unlike = {each.id: each.reason for each in self._runs() if each.id in odd}
        assert answered == Counter(judged), f"each retrain is of one trigger, but {unlike}"
        assert [run.id for run in self._runs() if run.status == runs.RUNNING] == []
        self._whole_versions()
        assert list(self._project.home.worktrees.iterdir()) == []
        assert [line for line in processes_in(self._project) if "pipelines.stages" in line] == []
        # Months arrive in the source; nothing else of the user's tree may be touched.
        assert self._project.git("diff", "HEAD", "--name-only", "--", ":!sources") == ""
        checked = ["git", "-C", str(self._project.root), "fsck", "--connectivity-only"]
        subprocess.run(checked, check=True, capture_output=True)

    def _runs(self) -> list[runs.Run]:
        return runs.latest(self._engine, MODEL, MOST)

    def _triggers(self) -> None:
        # Others go on meanwhile: what follows from something else is looked at before that.
        told = {note["event"] for note in noted(self._notes, "event")}
        triggers = inbox.listed(self._engine, MODEL, MOST)
        keys = {each.event.key for each in triggers}
        lost = [name for name in told if hashlib.sha256(name.encode()).hexdigest() not in keys]
        assert not lost, f"events that the inbox had taken are gone: {lost}"
        assert len([each for each in triggers if each.state is State.STARTED]) <= 1
        for each in triggers:
            before = self._closed.get(each.id, each.state)
            assert each.state is before, f"trigger {each.id} was {before}, and is {each.state}"
        self._closed = {each.id: each.state for each in triggers if not each.state.is_open}
        began = (run.reason.split(":")[0] for run in self._runs() if run.status in runs.JUDGED)
        often = Counter(name for name in began if name.startswith("trigger "))
        doubled = [name for name, times in often.items() if times > 1]
        assert not doubled, f"trained more than once for {doubled}"

    def _leases(self) -> None:
        with self._engine.connect() as connection:
            held = connection.execute(lease_rows.select()).all()
        for row in held:
            if psutil.pid_exists(row.pid):
                continue
            try:
                with leases.hold(self._engine, row.name, "whoever comes next", 60):
                    pass
            except BusyError as busy:
                # Somebody who lives was faster, or the dead one stands in the way.
                assert f"process {row.pid} " not in busy.problem, busy

    def _versions(self) -> None:
        # The last that is written of a version is looked at first.
        finished = {
            run.version for run in self._runs() if run.status in runs.JUDGED and run.version
        }
        entries = ledger.history(self._engine, MODEL)
        tagged = versions.registered(Repository.at(self._project.root), MODEL)
        commits = {run.commit for run in self._runs()}
        assert finished <= {entry.version for entry in entries}
        for later, earlier in pairwise(entries):
            assert later.previous == earlier.version, f"{later} does not follow {earlier}"
        known = {each.name: each.commit for each in tagged}
        for entry in entries:
            assert known.get(entry.version) == entry.commit, f"{entry} has no such tag"
        assert [each.number for each in tagged] == list(range(1, len(tagged) + 1))
        assert [each.name for each in tagged if each.commit not in commits] == []

    def _whole_versions(self) -> None:
        repository = Repository.at(self._project.root)
        tagged = versions.registered(repository, MODEL)
        assert {each.name for each in tagged} == set(bentos.registered(self._engine, MODEL))
        assert len({each.commit for each in tagged}) == len(tagged)
        live = ledger.live(self._engine, MODEL)
        assert live is not None
        require(Released.at(self._project.root), MODEL, live.version)
        versions.model_folder(
            repository, self._project.home, versions.find(repository, MODEL, live.version)
        )
