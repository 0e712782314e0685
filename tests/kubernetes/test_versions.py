"""The objects of a version: every schema takes them, and they stand beside those of another."""

from __future__ import annotations

import dataclasses

import pytest

from pipelines.deploying import Deployable
from pipelines.errors import DeployError
from pipelines.kubernetes.kinds import OF_A_VERSION, kind_of
from pipelines.kubernetes.seeing import GRPC_PORT, PORT, endpoints
from pipelines.kubernetes.versions import image, objects, owned
from pipelines.settings.kubernetes import KubernetesSettings
from tests.architecture.source import ROOT
from tests.deploying.conftest import version
from tests.kubernetes import schema

__all__ = ["version"]
SETTINGS = KubernetesSettings(registry="registry.example.org:5000/models")
ACCOUNT = {"metadata": {"name": "flights-v3", "uid": "u-1"}}


def test_every_schema_takes_every_object(version: Deployable) -> None:
    found = objects(version, SETTINGS, ROOT)
    assert {kind_of(each) for each in found} == set(OF_A_VERSION)
    assert [schema.problems(each) for each in found] == [[]] * len(OF_A_VERSION)
    assert [schema.problems(owned(each, ACCOUNT)) for each in found[1:]] == [[]] * 5


def test_the_service_account_comes_first_and_the_rest_belongs_to_it(version: Deployable) -> None:
    first, *rest = objects(version, SETTINGS, ROOT)
    assert first["kind"] == "ServiceAccount"
    assert first["metadata"]["annotations"]["evergreen/needed"] == "yes"
    for each in rest:
        assert "evergreen/needed" not in each["metadata"].get("annotations", {})
        [owner] = owned(each, ACCOUNT)["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("ServiceAccount", "u-1")


def test_all_are_marked_and_named_after_the_version(version: Deployable) -> None:
    for each in objects(version, SETTINGS, ROOT):
        metadata = each["metadata"]
        assert metadata["name"] == "flights-v3"
        assert metadata["labels"]["evergreen/controlled"] == "true"
        assert metadata["annotations"]["evergreen/version"] == "flights@v3"


def test_two_versions_share_no_object_and_no_pod(version: Deployable) -> None:
    other = dataclasses.replace(version, version="v4")
    pairs = [objects(each, SETTINGS, ROOT) for each in (version, other)]
    names = [{(e["kind"], e["metadata"]["name"]) for e in found} for found in pairs]
    assert names[0].isdisjoint(names[1])
    selectors = [
        next(e for e in found if e["kind"] == "Service")["spec"]["selector"] for found in pairs
    ]
    assert selectors[0] != selectors[1]


def test_the_image_is_the_bentos_content(version: Deployable) -> None:
    [deployment] = [e for e in objects(version, SETTINGS, ROOT) if e["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    tag = version.tag.partition(":")[2]
    assert container["image"] == f"registry.example.org:5000/models/flights:{tag}"
    assert image(version, "evergreen") == f"evergreen/flights:{tag}"


def test_endpoints_are_the_ports_of_the_service(version: Deployable) -> None:
    [service] = [e for e in objects(version, SETTINGS, ROOT) if e["kind"] == "Service"]
    ports = {each["name"]: each["port"] for each in service["spec"]["ports"]}
    assert ports == {"http": PORT, "grpc": GRPC_PORT}
    assert endpoints("flights@v3")[0].host == service["metadata"]["name"]


def test_a_name_that_is_too_long_is_refused(version: Deployable) -> None:
    long = dataclasses.replace(version, model="a" * 60)
    with pytest.raises(DeployError, match="not a name"):
        objects(long, SETTINGS, ROOT)
