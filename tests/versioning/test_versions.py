from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pipelines.errors import WorkspaceError
from pipelines.versioning import versions
from pipelines.versioning.git import Repository
from pipelines.versioning.versions import Version
from tests.throwaway import Project


def _gto(project: Project, *arguments: str) -> str:
    command = [sys.executable, "-c", "from gto.cli import app; app()", *arguments]
    done = subprocess.run(
        command,
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_version_is_what_gto_takes_for_one(project: Project, repository: Repository) -> None:
    first = versions.register(repository, "alpha", repository.head())
    (project.root / "note").touch()
    second = versions.register(repository, "alpha", project.commit("Another"))
    other = versions.register(repository, "beta", repository.head())
    assert (first.name, second.name, other.name) == ("alpha@v1", "alpha@v2", "beta@v1")
    shown = json.loads(_gto(project, "show", "alpha", "--json"))
    assert {(row["version"], row["commit_hexsha"]) for row in shown} == {
        ("v1.0.0", first.commit),
        ("v2.0.0", second.commit),
    }
    assert project.git("cat-file", "-t", first.tag) == "tag"
    assert versions.registered(repository, "alpha") == [first, second]


def test_a_commit_is_one_version_however_often_it_is_registered(repository: Repository) -> None:
    commit = repository.head()
    assert versions.next_number(repository, "alpha", commit) == 1
    first = versions.register(repository, "alpha", commit)
    assert versions.register(repository, "alpha", commit) == first
    assert versions.next_number(repository, "alpha", commit) == 1
    assert len(versions.registered(repository, "alpha")) == 1


def test_registering_needs_no_identity_and_leaves_logging_alone(
    project: Project, repository: Repository
) -> None:
    for key in ("user.name", "user.email"):
        project.git("config", "--unset", key)
    command = (
        "import logging, sys; from pathlib import Path\n"
        "logging.basicConfig(); before = logging.getLogger().handlers[:]\n"
        "kept = logging.Handler(); logging.getLogger('prefect').addHandler(kept)\n"
        "from pipelines.versioning import versions\n"
        "from pipelines.versioning.git import Repository\n"
        "repository = Repository(Path.cwd())\n"
        "print(versions.register(repository, 'alpha', repository.head()).tag)\n"
        "assert logging.getLogger().handlers == before\n"
        "assert kept in logging.getLogger('prefect').handlers\n"
        "assert logging._handlerList, 'the handlers were shut down'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "alpha@v1.0.0\n"
    tagger = project.git("for-each-ref", "--format=%(taggername)", "refs/tags/alpha@v1.0.0")
    assert tagger == "Evergreen"


def test_a_version_is_found_by_any_of_its_names(repository: Repository) -> None:
    first = versions.register(repository, "alpha", repository.head())
    for name in ("1", "v1", "alpha@v1", "v1.0.0"):
        assert versions.find(repository, "alpha", name) == first
    with pytest.raises(WorkspaceError, match=r"no version 'v9' of alpha; there are: alpha@v1"):
        versions.find(repository, "alpha", "v9")
    with pytest.raises(WorkspaceError, match="none yet"):
        versions.find(repository, "beta", "v1")


def test_other_tags_are_no_versions(project: Project, repository: Repository) -> None:
    for tag in ("release-1", "alpha@v1", "alpha@v1.2.3", "alphabet@v1.0.0"):
        project.git("tag", tag)
    assert versions.registered(repository, "alpha") == []


def test_a_number_that_is_taken_is_never_given_again(
    project: Project, repository: Repository
) -> None:
    project.git("tag", "alpha@v7.0.0", "HEAD")
    (project.root / "note").touch()
    commit = project.commit("Another")
    expected = Version("alpha", 8, commit)
    assert versions.register(repository, "alpha", commit) == expected


def test_a_tag_that_cannot_be_written_is_an_error_of_ours(repository: Repository) -> None:
    with pytest.raises(WorkspaceError, match=r"alpha@v1\.0\.0") as caught:
        versions.register(repository, "alpha", "f" * 40)
    assert "the model is kept" in caught.value.next_step
