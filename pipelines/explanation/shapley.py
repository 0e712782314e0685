"""The one import of shap: an optional library that is slow to load."""

from __future__ import annotations

from typing import Any

from pipelines.errors import SettingsError


def permutation_explainer(where: str) -> Any:
    """shap's permutation explainer, the class.

    Args:
        where: what asked for it, for the error: a key of params.yaml or a command.

    Raises:
        SettingsError: shap is not installed.
    """
    try:
        import numba

        # shap compiles its mask arithmetic when it is first used, which takes 5 to 18 s and saves
        # nothing here: a row has some hundred masks, and its time is spent in the graph.
        compiles = numba.config.DISABLE_JIT
        numba.config.DISABLE_JIT = True
        try:
            from shap.explainers import Permutation
        finally:
            numba.config.DISABLE_JIT = compiles
    except ImportError as error:
        raise SettingsError(
            f"needs shap, which cannot be imported ({error})",
            where=where,
            next_step="`make install` installs it, as does `pip install 'evergreen[explain]'`; "
            "without it `evaluate.attribution: permutation` still says what the model listens to",
        ) from error
    return Permutation
