"""dvc.yaml tells the truth: a stage depends on every module that can change its result.

DVC says "up to date" about a stage whose code changed in a file that it was not told of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from pipelines import registry
from pipelines.settings import ModelSettings
from tests.architecture.source import (
    ROOT,
    imports,
    is_docstring_only,
    modules,
    names_used,
)

STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Modules that cannot change what a stage writes, and why.
EXEMPT = {
    "pipelines.errors": "what is said when nothing is written",
    "pipelines.paths": "where files are; another name would be another output of the stage",
    "pipelines.progress": "lines for people",
    "pipelines.orphans": "ends the process, or does nothing",
    "pipelines.verdicts": "stages write no verdicts; the gate does",
    "pipelines.stages.__main__": "chooses the stage, and writes nothing",
}
# The tables of the registry, and where the model's settings say which entry is used.
CHOICES = {
    "DATASETS": ("ingest", "dataset"),
    "MODEL_FAMILIES": ("train", "family"),
    "SAMPLERS": ("tune", "sampler"),
    "PRUNERS": ("tune", "pruner"),
}


def models() -> Iterator[dict[str, Any]]:
    """One model for every name that the registry knows, so that all of its code is looked at."""
    first = {key: next(iter(getattr(registry, key))) for key in CHOICES}
    for key in CHOICES:
        for name in getattr(registry, key):
            model: dict[str, Any] = {}
            for table, (section, setting) in CHOICES.items():
                chosen = name if table == key else first[table]
                model.setdefault(section, {})[setting] = chosen
            yield model


def closure(stage: str, model: dict[str, Any]) -> set[str]:
    """Every module of ours that the stage may load for this model."""
    known = modules()
    found: set[str] = set()
    waiting = {f"pipelines.stages.{stage}"}
    while waiting:
        name = waiting.pop()
        found.add(name)
        reached = imports(known[name])
        if name != "pipelines.registry" and "pipelines.registry" in reached:
            reached |= chosen(names_used(known[name]), model)
        waiting |= reached - found
    return found


def chosen(used: set[str], model: dict[str, Any]) -> set[str]:
    """What the registry loads by name; settings only list names, and load nothing."""
    if "load" not in used:
        return set()
    return {
        getattr(registry, table)[model[section][setting]].partition(":")[0]
        for table, (section, setting) in CHOICES.items()
        if table in used
    }


def declared(stage: str, model: dict[str, Any]) -> list[str]:
    """The `deps` of a stage, filled in for a model called `any`."""

    def fill(match: re.Match[str]) -> str:
        value: Any = {"key": "any", "item": model}
        for part in match[1].split("."):
            value = value[part]
        return str(value)

    return [re.sub(r"\$\{([^}]+)\}", fill, dep) for dep in STAGES[stage]["do"]["deps"]]


def missing(stage: str, model: dict[str, Any], deps: list[str]) -> set[str]:
    known = modules()
    covered = {ROOT / dep for dep in deps}
    return {
        name
        for name in closure(stage, model) - EXEMPT.keys()
        if not is_docstring_only(known[name])
        and covered.isdisjoint({known[name], *known[name].parents})
    }


@pytest.mark.parametrize("stage", registry.STAGES)
def test_a_stage_depends_on_all_of_its_code(stage: str) -> None:
    for model in models():
        deps = declared(stage, model)
        assert not missing(stage, model, deps), f"add to deps of {stage} in dvc.yaml"


@pytest.mark.parametrize("stage", registry.STAGES)
def test_the_check_would_notice(stage: str) -> None:
    """Each module that is listed by name is there for a reason: without it the check fails.

    For some model, that is: not every family needs every module that families share.
    """
    listed, needed = set(), set()
    for model in models():
        deps = declared(stage, model)
        for dep in {dep for dep in deps if dep.endswith(".py")} - needed:
            listed.add(dep)
            if missing(stage, model, [other for other in deps if other != dep]):
                needed.add(dep)
    assert listed == needed, f"not needed by {stage}"


@pytest.mark.parametrize("stage", registry.STAGES)
def test_what_a_stage_depends_on_exists(stage: str) -> None:
    for model in models():
        for dep in declared(stage, model):
            if dep.startswith("pipelines/"):
                assert (ROOT / dep).exists(), dep


def test_exemptions_are_of_modules_that_exist() -> None:
    assert EXEMPT.keys() <= modules().keys()


def test_stages_of_the_graph_are_the_stages_of_the_code() -> None:
    assert list(STAGES) == list(registry.STAGES)
    files = {path.stem for path in (ROOT / "pipelines" / "stages").glob("*.py")}
    assert files - {"__init__", "__main__"} == set(registry.STAGES)


@pytest.mark.parametrize("stage", registry.STAGES)
def test_a_stage_has_a_section_of_its_own_and_depends_on_it(stage: str) -> None:
    sections = {field.alias or name for name, field in ModelSettings.model_fields.items()}
    assert stage in sections
    done = STAGES[stage]["do"]
    assert STAGES[stage]["foreach"] == "${models}"
    assert f"models.${{key}}.{stage}" in done["params"]
    assert done["cmd"] == f"python -m pipelines.stages {stage} ${{key}}"


@pytest.mark.parametrize("stage", registry.STAGES)
def test_a_stage_depends_on_every_section_that_it_reads(stage: str) -> None:
    """`settings.tune.seed` in the code of a stage needs `models.X.tune` among its params."""
    known = modules()
    sections = {name: field.alias or name for name, field in ModelSettings.model_fields.items()}
    reads = {
        sections[name]
        for name in re.findall(
            r"settings\.(\w+)", known[f"pipelines.stages.{stage}"].read_text(encoding="utf-8")
        )
        if name in sections
    }
    given = {param.rpartition(".")[2] for param in STAGES[stage]["do"]["params"]}
    assert reads <= given
