"""serving.json: written by packaging, read by a server, in one form."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from pipelines.errors import ModelError
from pipelines.packaging.content import policy_of
from pipelines.serving import policy
from pipelines.serving.policy import SERVING_FILE, LogPolicy, ServingPolicy
from pipelines.settings import ServeSettings

OTHER = ServingPolicy(
    workers=2,
    max_rows=7,
    max_body_megabytes=0.5,
    max_concurrency=3,
    timeout_seconds=1.5,
    required=("a",),
    unseen_categories="refuse",
    log=LogPolicy(mode="audit", features=("a", "b"), identifiers=("b",)),
)


@pytest.mark.parametrize("written", [ServingPolicy(), OTHER], ids=["as it comes", "all other"])
def test_what_is_written_is_read(written: ServingPolicy, tmp_path: Path) -> None:
    written.write(tmp_path)

    assert policy.read(tmp_path) == written


def test_the_settings_and_the_policy_have_the_same_defaults_and_names() -> None:
    assert policy_of(ServeSettings()) == ServingPolicy()
    assert msgspec.to_builtins(ServingPolicy()).keys() == ServeSettings().model_dump().keys()


def test_megabytes_are_millions_of_bytes() -> None:
    assert ServingPolicy(max_body_megabytes=0.5).max_body_bytes == 500_000


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"workers": "2"}', b'{"worker": 2}', b'{"unseen_categories": "perhaps"}'],
)
def test_what_is_no_policy_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / SERVING_FILE).write_bytes(content)

    with pytest.raises(ModelError, match=r"serving\.json: does not say how to serve"):
        policy.read(tmp_path)


def test_a_missing_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not say how to serve"):
        policy.read(tmp_path)


def test_it_is_written_for_people_too(tmp_path: Path) -> None:
    OTHER.write(tmp_path)
    text = (tmp_path / SERVING_FILE).read_text(encoding="utf-8")

    assert json.loads(text)["log"]["mode"] == "audit"
    assert len(text.splitlines()) > 10
