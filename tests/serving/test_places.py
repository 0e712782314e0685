"""The names under which a server is told where it stands."""

from __future__ import annotations

from pipelines.serving import places


def test_the_variables_are_ours_and_all_different() -> None:
    names = [value for name, value in vars(places).items() if name.isupper()]

    assert len(set(names)) == len(names) >= 4
    assert all(name.startswith("EVERGREEN_") for name in names)
