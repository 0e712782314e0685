"""Rules of the house that a reader relies on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT, modules, tree

HEAVY = (
    "bentoml",
    "dvc",
    "distributed",
    "great_expectations",
    "keras",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "prefect",
    "skl2onnx",
    "shap",
    "sklearn",
    "skops",
    "tensorflow",
    "tf2onnx",
)
# Names that say nothing about what a thing does.
EMPTY_WORDS = re.compile(r"manager|handler|helper|utils?(?![a-z])|processor|(?<![a-z])job", re.I)
PACKAGES = sorted(name for name, path in modules().items() if path.name == "__init__.py")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_belongs_there_and_what_does_not(package: str) -> None:
    docstring = ast.get_docstring(tree(modules()[package])) or ""
    assert len(docstring) > 60
    flat = " ".join(docstring.split())
    assert re.search(r"[Bb]elongs? here|Here belong", flat), "say what belongs there"
    assert re.search(r" not |[Nn]othing here", flat), "say what does not belong there"


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(tree(modules()[module]))


@pytest.mark.parametrize("module", sorted(modules()))
def test_names_say_something(module: str) -> None:
    found = [module.rpartition(".")[2]]
    for node in ast.walk(tree(modules()[module])):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.name)
    assert [name for name in found if EMPTY_WORDS.search(name)] == []


@pytest.mark.parametrize("module", sorted(name for name in modules() if "pipelines" in name))
def test_a_public_thing_has_a_docstring(module: str) -> None:
    lacking = [
        node.name
        for node in tree(modules()[module]).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert lacking == []


@pytest.mark.parametrize(
    "module",
    [
        "flows.cli",
        "pipelines.settings",
        "pipelines.registry",
        "pipelines.errors",
        "pipelines.paths",
        "pipelines.stages.__main__",
        "pipelines.tuning.workers",
    ],
)
def test_it_loads_without_the_heavy_libraries(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_the_source_names_no_machine() -> None:
    wrong = re.compile(r"/(home|root|work|Users)/\w")
    for path in [*modules().values(), ROOT / "dvc.yaml", ROOT / "params.yaml"]:
        assert not wrong.search(path.read_text(encoding="utf-8")), path
