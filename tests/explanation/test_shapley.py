"""shap is optional: without it there is an error that says how to get it."""

from __future__ import annotations

import sys

import pytest

from pipelines.errors import SettingsError
from pipelines.explanation import shapley


def test_it_is_the_explainer_of_shap() -> None:
    assert shapley.permutation_explainer("here").__module__.startswith("shap.")


@pytest.mark.parametrize("name", ["shap.explainers", "numba"])
def test_without_it_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # what Python does for a module that is not there
    with pytest.raises(SettingsError) as caught:
        shapley.permutation_explainer("params.yaml: evaluate.attribution")
    assert caught.value.exit_code == 2
    assert caught.value.where == "params.yaml: evaluate.attribution"
    assert "evergreen[explain]" in caught.value.next_step


def test_others_may_compile_afterwards() -> None:
    import numba

    before = numba.config.DISABLE_JIT
    shapley.permutation_explainer("here")
    assert before == numba.config.DISABLE_JIT
