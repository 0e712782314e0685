"""card.yaml is there with all its keys, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import settings
from pipelines.errors import SettingsError
from pipelines.explanation import words
from pipelines.paths import ModelPaths
from tests.architecture.source import ROOT

WHOLE = """\
purpose: Says who leaves.
intended_use: To choose whom to call.
limits: [Private customers only.]
contact: crm
"""


def read(folder: Path, content: str) -> words.Words | None:
    paths = ModelPaths(folder, "shop")
    paths.folder.mkdir(parents=True, exist_ok=True)
    paths.card.write_text(content, encoding="utf-8")
    return words.read(paths)


def test_what_was_written(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert found is not None
    assert found.purpose == "Says who leaves."
    assert found.limits == ("Private customers only.",)


def test_nothing_was_written(tmp_path: Path) -> None:
    assert words.read(ModelPaths(tmp_path, "shop")) is None


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "the file"),
        ("[1, 2]", "the file"),
        (WHOLE.replace("contact: crm", ""), "contact"),
        (WHOLE.replace("contact: crm", "contact: ' '"), "contact"),
        (WHOLE.replace("[Private customers only.]", "[]"), "limits"),
        (WHOLE + "owner: me\n", "owner"),
        (WHOLE + "contact: me\n", "written twice"),
        ("purpose: [", "not readable as YAML"),
    ],
)
def test_a_card_with_a_hole_is_refused_by_name(tmp_path: Path, content: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, content)
    assert named in caught.value.problem
    assert caught.value.where.endswith("data/shop/card.yaml")
    assert "purpose, intended_use, limits, contact" in caught.value.next_step


@pytest.mark.parametrize("model", sorted(settings.load(ROOT).models))
def test_every_model_of_this_project_has_words(model: str) -> None:
    assert words.read(ModelPaths(ROOT, model)) is not None
