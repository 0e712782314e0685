"""Every name of the registry stands for something that keeps its protocol."""

from __future__ import annotations

import inspect

import pytest

from pipelines import registry

TABLES = {
    "DATASETS": ("fingerprint", "read"),
    "MODEL_FAMILIES": ("space", "fit"),
    "SAMPLERS": ("__call__",),
    "PRUNERS": ("__call__",),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_name_can_be_loaded(table: str) -> None:
    entries = getattr(registry, table)
    assert entries
    for name in entries:
        loaded = registry.load(entries, name)
        for method in TABLES[table]:
            assert callable(getattr(loaded, method)), (name, method)
        assert inspect.getdoc(loaded)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        registry.load(registry.SAMPLERS, "alchemy")
