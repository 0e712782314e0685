"""The walk over dvc.yaml, on a graph of shell commands: what DVC does is real, and quick."""

from __future__ import annotations

import inspect
import os
import subprocess
import textwrap
import threading
import time
from pathlib import Path

import dvc.stage.run
import psutil
import pytest
import yaml

from pipelines.errors import RemoteError, SettingsError, StageError, WorkspaceError
from pipelines.versioning import graph, remote
from pipelines.versioning.graph import Reached
from tests.waiting import until

_GRAPH = """\
stages:
  first:
    foreach: ${models}
    do:
      cmd: %s
      params:
        - models.${key}.number
      outs:
        - ${key}/first.txt
  second:
    foreach: ${models}
    do:
      cmd: mkdir -p ${key}/folder && cp ${key}/first.txt ${key}/folder/copy.txt
      deps:
        - ${key}/first.txt
      outs:
        - ${key}/folder
"""
_WRITE = "echo working on ${key}; mkdir -p ${key}; echo ${item.number} > ${key}/first.txt"


def _make(root: Path, command: str = _WRITE) -> Path:
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text(
        "[core]\n    analytics = false\n    remote = local\n[cache]\n    type = hardlink\n"
        "['remote \"local\"']\n    url = ../remote\n",
        encoding="utf-8",
    )
    (root / "dvc.yaml").write_text(_GRAPH % command, encoding="utf-8")
    _set(root, 1)
    return root


def _set(root: Path, number: int) -> None:
    params = {"models": {"alpha": {"number": number}, "beta": {"number": 5}}}
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("SHELL", "/bin/sh")
    root = tmp_path / "workspace"
    root.mkdir()
    monkeypatch.chdir(root)
    return _make(root)


def _reproduce(root: Path, stage: str, seconds: float = 60) -> tuple[Reached, list[str]]:
    lines: list[str] = []
    return graph.reproduce(root, stage, lines.append, seconds), lines


def _edges(root: Path, model: str) -> dict[str, list[str]]:
    with graph.opened(root) as repo:
        return graph.edges(repo, model)


def _check_out(root: Path, *stages: str) -> None:
    with graph.opened(root) as repo:
        graph.checkout(repo, stages)


def test_dvcs_private_runner_is_still_what_is_replaced_here() -> None:
    # `dvc.stage.run._run` is no public API: if this fails, read its new form and adapt `_run`.
    module = Path(inspect.getfile(dvc.stage.run)).read_text(encoding="utf-8")
    assert "def _run(executable, cmd, **kwargs):" in module
    assert "        _run(executable, cmd, **kwargs)\n" in inspect.getsource(dvc.stage.run.cmd_run)
    given = inspect.getsource(dvc.stage.run.prepare_kwargs)
    assert 'kwargs = {"cwd": stage.wdir, "env": fix_env(None), "close_fds": True}' in given
    assert list(inspect.signature(dvc.stage.run._make_cmd).parameters) == ["executable", "cmd"]


def test_the_edges_of_one_model_in_an_order_that_works(workspace: Path) -> None:
    assert _edges(workspace, "alpha") == {
        "first@alpha": [],
        "second@alpha": ["first@alpha"],
    }
    assert list(_edges(workspace, "alpha")) == ["first@alpha", "second@alpha"]


def test_a_model_without_stages_and_a_broken_graph_are_refused(workspace: Path) -> None:
    with pytest.raises(WorkspaceError, match="no stages for model 'gamma'"):
        _edges(workspace, "gamma")
    (workspace / "dvc.yaml").write_text("stages: [", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="cannot read the graph"):
        _edges(workspace, "alpha")


def test_completed_cached_and_restored_are_told_apart(workspace: Path) -> None:
    assert _reproduce(workspace, "first@alpha") == (Reached.COMPLETED, ["working on alpha"])
    assert _reproduce(workspace, "first@alpha") == (Reached.CACHED, [])
    _set(workspace, 2)
    assert _reproduce(workspace, "first@alpha")[0] is Reached.COMPLETED
    _set(workspace, 1)
    assert _reproduce(workspace, "first@alpha") == (Reached.RESTORED, [])
    assert (workspace / "alpha" / "first.txt").read_text(encoding="utf-8") == "1\n"


def test_a_stage_that_fails_carries_its_exit_code_and_its_last_lines(
    workspace: Path,
) -> None:
    (workspace / "dvc.yaml").write_text(_GRAPH % "echo oh no; exit 7", encoding="utf-8")
    with pytest.raises(StageError, match="ended with exit code 7") as caught:
        _reproduce(workspace, "first@alpha")
    assert caught.value.exit_code == 7
    assert "oh no" in caught.value.problem


def test_a_stages_own_error_is_passed_on(workspace: Path) -> None:
    said = "echo trying\necho 'error: rows.csv: it is empty'\necho '  next step: fill it'\nexit 2\n"
    (workspace / "fail.sh").write_text(said, encoding="utf-8")
    (workspace / "dvc.yaml").write_text(_GRAPH % "sh fail.sh", encoding="utf-8")
    with pytest.raises(StageError) as caught:
        _reproduce(workspace, "first@alpha")
    error = caught.value
    assert (error.where, error.problem) == ("rows.csv", "it is empty")
    assert (error.next_step, error.exit_code) == ("fill it", 2)


def test_a_stage_that_is_killed_from_outside_says_by_which_signal(workspace: Path) -> None:
    (workspace / "dvc.yaml").write_text(_GRAPH % "kill -9 $$", encoding="utf-8")
    with pytest.raises(StageError, match="killed by signal 9"):
        _reproduce(workspace, "first@alpha")


def test_a_stage_that_takes_too_long_is_killed_with_all_its_processes(workspace: Path) -> None:
    script = workspace / "slow.sh"
    script.write_text(
        textwrap.dedent(
            """\
            sleep 301 &
            (sleep 302 & wait) &
            trap '' TERM
            echo $! started
            wait
            sleep 303
            """
        ),
        encoding="utf-8",
    )
    (workspace / "dvc.yaml").write_text(_GRAPH % "sh slow.sh", encoding="utf-8")
    started = time.monotonic()
    with pytest.raises(StageError, match="stopped after 1 seconds") as caught:
        _reproduce(workspace, "first@alpha", seconds=1)
    assert time.monotonic() - started < 60  # its processes would sleep for minutes
    assert "timeout_minutes" in caught.value.next_step
    until(lambda: not _sleeping(workspace))


def _sleeping(folder: Path) -> list[int]:
    """Processes that work in a folder, this one aside; a zombie works nowhere."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and Path(process.cwd()) == folder:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def test_stages_of_two_models_run_side_by_side(workspace: Path) -> None:
    text = _GRAPH % f"sleep 1; {_WRITE}"
    (workspace / "dvc.yaml").write_text(text, encoding="utf-8")
    reached: dict[str, tuple[Reached, list[str]]] = {}
    threads = [
        threading.Thread(target=lambda m=model: reached.update({m: _reproduce(workspace, m)}))
        for model in ("first@alpha", "first@beta")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reached == {
        "first@alpha": (Reached.COMPLETED, ["working on alpha"]),
        "first@beta": (Reached.COMPLETED, ["working on beta"]),
    }


def test_a_missing_section_of_params_is_a_settings_error(workspace: Path) -> None:
    (workspace / "params.yaml").write_text("models: {alpha: {}, beta: {number: 1}}")
    (workspace / "dvc.yaml").write_text(_GRAPH % "echo never", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"models\.alpha\.number"):
        _reproduce(workspace, "first@alpha")


def _object(workspace: Path, content: bytes) -> Path:
    """The object of the cache that holds these bytes."""
    [found] = [
        path
        for path in (workspace / ".dvc" / "cache" / "files" / "md5").rglob("*")
        if path.is_file() and path.read_bytes() == content
    ]
    return found


def _damage(path: Path, content: bytes) -> None:
    """Change a file in place, as a bad disk would: same inode, same permissions, same time."""
    mode, times = path.stat().st_mode, (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(content)
    path.chmod(mode)
    os.utime(path, ns=times)


@pytest.mark.parametrize("stage", ["first@alpha", "second@alpha"])
def test_a_damaged_object_is_found_before_anybody_uses_it(workspace: Path, stage: str) -> None:
    for name in ("first@alpha", "second@alpha"):
        _reproduce(workspace, name)
    damaged = _object(workspace, b"1\n")
    _damage(damaged, b"9\n")
    with pytest.raises(WorkspaceError, match="damaged") as caught:
        _reproduce(workspace, stage)
    assert caught.value.where == str(damaged)
    assert "remove that file" in caught.value.next_step
    # The next step works: what was lost is made again, and nothing else is.
    damaged.unlink()
    for name in ("alpha/first.txt", "alpha/folder/copy.txt"):
        (workspace / name).unlink()
    assert _reproduce(workspace, "first@alpha")[0] is Reached.COMPLETED
    assert _reproduce(workspace, "second@alpha")[0] in {Reached.COMPLETED, Reached.RESTORED}
    assert (workspace / "alpha/folder/copy.txt").read_text(encoding="utf-8") == "1\n"


def test_an_object_that_lists_a_folder_is_held_to_its_digest_too(workspace: Path) -> None:
    for name in ("first@alpha", "second@alpha"):
        _reproduce(workspace, name)
    [listing] = (workspace / ".dvc" / "cache" / "files" / "md5").rglob("*.dir")
    _damage(listing, b"{]")
    with pytest.raises(WorkspaceError):
        _reproduce(workspace, "second@alpha")


def test_a_stage_that_runs_again_is_not_given_a_damaged_object(workspace: Path) -> None:
    _reproduce(workspace, "first@alpha")
    _damage(_object(workspace, b"1\n"), b"9\n")
    # Another command with the same output: DVC finds an equal name in its cache and links to it.
    (workspace / "dvc.yaml").write_text(_GRAPH % f"true; {_WRITE}", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="damaged"):
        _reproduce(workspace, "first@alpha")


def test_outputs_come_back_from_the_cache_as_far_as_it_has_them(workspace: Path) -> None:
    for name in ("first@alpha", "second@alpha"):
        _reproduce(workspace, name)
    (workspace / "alpha" / "first.txt").unlink()
    (workspace / "alpha" / "folder" / "copy.txt").unlink()
    _check_out(workspace, "first@alpha", "second@alpha", "first@beta")
    assert (workspace / "alpha" / "folder" / "copy.txt").exists()
    _object(workspace, b"1\n").unlink()
    (workspace / "alpha" / "first.txt").unlink()
    _check_out(workspace, "first@alpha", "second@alpha")
    assert not (workspace / "alpha" / "first.txt").exists()


def test_push_sends_to_the_remote_what_is_not_there(workspace: Path) -> None:
    _reproduce(workspace, "first@alpha")
    assert remote.push(workspace, ["first@alpha"]) > 0
    digest = _object(workspace, b"1\n").relative_to(workspace / ".dvc" / "cache")
    assert (workspace / "remote" / digest).read_bytes() == b"1\n"
    remote.push(workspace, ["first@alpha"])


def test_no_remote_is_an_error_with_a_next_step(workspace: Path) -> None:
    _reproduce(workspace, "first@alpha")
    (workspace / ".dvc" / "config").write_text("[core]\n    analytics = false\n", encoding="utf-8")
    with pytest.raises(RemoteError, match="push failed") as caught:
        remote.push(workspace, ["first@alpha"])
    assert "dvc push" in caught.value.next_step


def test_what_went_to_a_remote_is_sent_again_to_another_one_only(workspace: Path) -> None:
    sent = workspace / "sent.json"
    _reproduce(workspace, "first@alpha")
    assert remote.push(workspace, ["first@alpha"], sent) > 0
    config = workspace / ".dvc" / "config"
    there = config.read_text(encoding="utf-8")
    gone = workspace / "remote"
    gone.rename(workspace / "gone")
    assert remote.push(workspace, ["first@alpha"], sent) == 0
    assert not gone.exists()  # nobody asked it
    config.write_text(there.replace("../remote", "../other"), encoding="utf-8")
    assert remote.push(workspace, ["first@alpha"], sent) > 0
    config.write_text(there, encoding="utf-8")
    _set(workspace, 2)
    _reproduce(workspace, "first@alpha")
    assert remote.push(workspace, ["first@alpha"], sent) > 0
    assert gone.exists()
