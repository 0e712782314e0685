"""`gateway.kubernetes`: what a cluster would refuse is refused when params.yaml is read."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import SettingsError
from pipelines.settings import parse

MODEL = {
    "ingest": {"dataset": "table", "source": "flights.csv", "target": "late"},
    "train": {"family": "hist_gradient_boosting"},
}


def read(**kubernetes: Any) -> Any:
    gateway = {"router": "kubernetes", "kubernetes": kubernetes}
    return parse({"models": {"flights": MODEL}, "gateway": gateway}).gateway


def test_this_machine_is_the_default() -> None:
    assert parse({"models": {"flights": MODEL}}).gateway.router == "envoy"
    assert read().kubernetes.overrides is False


@pytest.mark.parametrize(
    "told",
    [
        {"hostname": "models.example.org", "grpc_hostname": "grpc.example.org"},
        {"gateway": "infra/public"},
        {"registry": "registry.example.org:5000/models"},
    ],
    ids=["two hosts", "another namespace", "a port"],
)
def test_what_a_cluster_takes(told: dict[str, str]) -> None:
    assert read(**told).router == "kubernetes"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"hostname": "a.org", "grpc_hostname": "a.org"}, "only one of two routes"),
        ({"grpc_hostname": "a.org"}, "only one of two routes"),
        ({"hostname": "*.a.org"}, "hostname"),
        ({"gateway": "a/b/c"}, "gateway"),
        ({"namespace": "Models"}, "namespace"),
        ({"registry": "registry.example.org/models:v1"}, "without a tag"),
        ({"accept_seconds": 0}, "accept_seconds"),
        ({"replicas": 2}, "replicas"),
    ],
    ids=["one host", "no host", "wildcard", "path", "capital", "tag", "no time", "unknown key"],
)
def test_what_it_would_refuse(told: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        read(**told)
