"""`evergreen manifest`: a version, as Kubernetes and Docker are told of it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import kubernetes_validate
import yaml

from pipelines.deploying.manifests import RESIDENT
from pipelines.signature import digest
from tests.orchestration import Run
from tests.throwaway import Project

NEWEST = kubernetes_validate.latest_version()


def test_the_live_version_is_printed_as_yaml(trained: Project, run: Run) -> None:
    done = run(trained, "manifest", "alpha")
    assert done.code == 0, done.err
    documents = list(yaml.safe_load_all(done.out))
    assert len(documents) == len(RESIDENT)
    for document in documents:
        kubernetes_validate.validate(document, NEWEST, strict=True)
    [deployment] = [each for each in documents if each["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]
    assert pod["metadata"]["annotations"]["evergreen/version"] == "alpha@v1"
    assert pod["metadata"]["annotations"]["evergreen/git-sha"] == trained.git(
        "rev-parse", "alpha@v1.0.0^{commit}"
    )
    # What it is called without --image is what --build-command would build.
    built = shlex.split(run(trained, "manifest", "alpha@v1", "--build-command").out)
    assert pod["spec"]["containers"][0]["image"] == built[built.index("--tag") + 1]
    told = run(trained, "manifest", "alpha", "--build-command", "--json")
    assert json.loads(told.out) == built
    assert f"LOCK_SHA256={digest(trained.root / 'requirements.lock')}" in built
    assert (Path(built[-1]) / "bento.yaml").is_file()
    assert Path(built[built.index("--file") + 1]).is_file()


def test_every_way_to_name_a_version_gives_the_same(trained: Project, run: Run) -> None:
    texts = {
        run(trained, "manifest", *arguments).out
        for arguments in (["alpha"], ["alpha@v1"], ["alpha", "--version", "v1"])
    }
    assert len(texts) == 1
    listed = json.loads(run(trained, "manifest", "alpha", "--json").out)
    assert listed["kind"] == "List"
    assert listed["items"] == list(yaml.safe_load_all(texts.pop()))


def test_a_file_is_written_whole_and_again(trained: Project, run: Run) -> None:
    folder = trained.root / "manifests"
    folder.mkdir()
    image = "registry.example.org/alpha:v1"
    arguments = ("manifest", "alpha", "--serverless", "--image", image, "-o", str(folder))
    for _ in range(2):
        done = run(trained, *arguments, "--name", "alpha-canary")
        assert done.code == 0, done.err
        assert done.out.strip() == str(folder / "alpha-canary.yaml")
    _, service = yaml.safe_load_all((folder / "alpha-canary.yaml").read_text(encoding="utf-8"))
    assert service["apiVersion"] == "serving.knative.dev/v1"
    assert service["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert [path.name for path in folder.iterdir()] == ["alpha-canary.yaml"]


def test_what_is_wrong_is_named(trained: Project, run: Run) -> None:
    (trained.root / "requirements.lock").write_text("numpy==1\n", encoding="utf-8")
    wrong = {
        ("alpha@v9",): "no version 'v9' of alpha",
        ("alpha", "--version", "v9"): "no version 'v9' of alpha",
        ("alpha@v1", "--version", "v1"): "names a version already",
        ("beta",): "no version of beta is live yet",
        ("gamma",): "unknown model 'gamma'",
        ("alpha", "--image", "alpha"): "whatever was pushed last",
        ("alpha", "--image", "alpha:latest"): "whatever was pushed last",
        ("alpha", "--name", "Alpha"): "--name: not a name",
        ("alpha", "-o", "nowhere"): "nowhere: no such folder",
        ("alpha", "--build-command"): "not the lock that alpha@v1 was proved with",
    }
    for arguments, named in wrong.items():
        done = run(trained, "manifest", *arguments)
        assert done.code == 2, arguments
        assert named in done.err
        assert "next step: " in done.err
        assert done.out == ""
