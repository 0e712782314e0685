"""Tests stand where the code stands; what has no test file of its own says why."""

from __future__ import annotations

import pytest

from tests.architecture.source import ROOT, is_docstring_only, modules

# Tested through what they are made for, in the file named.
ELSEWHERE: dict[str, str] = {}


def own_test(module: str) -> str:
    parts = module.split(".")
    folder = parts[1:-1] if parts[0] == "pipelines" else parts[:-1]
    return "/".join(["tests", *folder, f"test_{parts[-1].strip('_')}.py"])


@pytest.mark.parametrize("module", sorted(modules()))
def test_every_module_has_a_test_file_or_a_reason(module: str) -> None:
    path = modules()[module]
    if path.name == "__init__.py" and is_docstring_only(path):
        return
    if module in ELSEWHERE:
        assert (ROOT / ELSEWHERE[module]).exists(), ELSEWHERE[module]
        assert not (ROOT / own_test(module)).exists(), "it has a test file of its own by now"
    else:
        assert (ROOT / own_test(module)).exists(), f"write {own_test(module)}"
