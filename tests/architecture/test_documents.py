"""The documents name what exists, and name all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipelines import registry
from pipelines.settings import ModelSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
REFERENCE = (ROOT / "docs/reference/params.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    missing = [
        target
        for target in targets
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert not missing


def _keys(model: type[BaseModel]) -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            prefix = f"{name}." if name == "budget" else ""
            keys += [prefix + key for key in _keys(kind)]
        else:
            keys.append(name)
    return keys


@pytest.mark.parametrize("key", sorted(set(_keys(ModelSettings))))
def test_the_reference_explains_every_key(key: str) -> None:
    assert f"`{key}`" in REFERENCE


@pytest.mark.parametrize(
    "name", [*registry.MODEL_FAMILIES, *registry.SAMPLERS, *registry.PRUNERS, *registry.DATASETS]
)
def test_the_reference_names_every_registered_name(name: str) -> None:
    assert f"`{name}`" in REFERENCE


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers == sorted(set(numbers))
