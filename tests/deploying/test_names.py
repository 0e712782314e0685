"""Names: whatever params.yaml allows becomes a DNS label, and no two become the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.deploying import names
from pipelines.errors import DeployError

# RFC 1123, as Kubernetes checks it.
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
MODELS = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)


@given(MODELS)
def test_every_model_has_a_name_that_kubernetes_takes(model: str) -> None:
    name = names.object_name(model)

    assert DNS_LABEL.fullmatch(name)
    assert names.checked(name) == name
    assert DNS_LABEL.fullmatch(f"{name}-0123456789-01234"), "the name of a pod"


@given(st.lists(MODELS, min_size=2, unique=True))
def test_no_two_models_share_a_name(models: list[str]) -> None:
    assert len({names.object_name(model) for model in models}) == len(models)


def test_a_name_stays_readable() -> None:
    assert names.object_name("flights_minutes") == "flights-minutes"
    assert names.object_name("flights_") not in {"flights", "flights-"}


@pytest.mark.parametrize("name", ["", "Flights", "flights_2", "-f", "f-", "1f", "f.g", "f" * 47])
def test_what_kubernetes_would_refuse_is_refused_here(name: str) -> None:
    with pytest.raises(DeployError, match="--name: not a name"):
        names.checked(name)
