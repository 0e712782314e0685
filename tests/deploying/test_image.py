"""Images: only what is pinned, and a build that says what it is a build of."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipelines.deploying import Deployable, build_command, default_image, pinned
from pipelines.errors import DeployError

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "image",
    [
        "flights:v3",
        "registry.example.org:5000/team/flights__minutes:v3-0123456789ab",
        "localhost:5000/flights:latest-but-one",
        "[::1]:5000/flights:v3",
        f"registry.example.com/team/flights@{DIGEST}",
        # The digest decides, whatever the tag says.
        f"registry.example.com/team/flights:latest@{DIGEST}",
    ],
)
def test_what_names_one_image_is_taken(image: str) -> None:
    assert pinned(image) == image


@pytest.mark.parametrize(
    "image", ["flights", "flights:latest", "registry.example.org:5000/team/flights"]
)
def test_whatever_was_pushed_last_is_refused(image: str) -> None:
    with pytest.raises(DeployError, match="may serve another model") as caught:
        pinned(image)
    assert "v3" in caught.value.next_step


@pytest.mark.parametrize(
    "image",
    [
        "",
        "flights:",
        "Flights:v3",
        "flights:v3 --privileged",
        "http://x/flights:v3",
        "a//b:v3",
        "flights@sha256:0",
        "flights:v3\n",
        "flights:" + "v" * 129,
        "fli_.ghts:v3",
    ],
)
def test_what_is_no_reference_is_refused(image: str) -> None:
    with pytest.raises(DeployError, match="not an image reference"):
        pinned(image)


def test_an_image_that_nobody_named_is_called_after_the_bento(version: Deployable) -> None:
    image = default_image(version)

    assert image == f"evergreen/{version.tag}"
    assert pinned(image) == image
    awkward = dataclasses.replace(version, model="flights___trip_")
    assert pinned(default_image(awkward))


def test_the_build_names_what_it_builds(version: Deployable) -> None:
    command = build_command(version, "flights:v3", Path("bento"), Path("project"))
    given = [command[at + 1] for at, word in enumerate(command) if word == "--build-arg"]

    assert command[:4] == ["docker", "build", "--file", "project/deployments/docker/Dockerfile"]
    assert command[-3:] == ["--tag", "flights:v3", "bento"]
    assert "project=project" in command
    assert f"REVISION={version.labels['git_sha']}" in given
    assert f"LOCK_SHA256={version.labels['lock_hash']}" in given
    assert f"PYTHON=python:{version.python}-slim-bookworm" in given
