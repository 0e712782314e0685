"""Every path is below its root and named once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.paths import HomePaths, ModelPaths, home


def _all(paths: ModelPaths | HomePaths) -> dict[str, Path]:
    kind = type(paths)
    return {
        name: getattr(paths, name)
        for name in dir(kind)
        if isinstance(getattr(kind, name), property)
    }


def test_the_files_of_a_model_are_below_its_folder(tmp_path: Path) -> None:
    paths = ModelPaths(tmp_path, "shop")
    found = _all(paths)
    assert len(set(found.values())) == len(found) > 10
    assert all(path.is_relative_to(paths.folder) for path in found.values())
    assert paths.folder == tmp_path / "data" / "shop"


def test_two_models_share_nothing(tmp_path: Path) -> None:
    one, two = (_all(ModelPaths(tmp_path, name)) for name in ("a", "b"))
    assert not set(one.values()) & set(two.values())


def test_home_is_in_the_project_unless_it_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVERGREEN_HOME", raising=False)
    assert home(tmp_path).home == tmp_path / ".evergreen"
    monkeypatch.setenv("EVERGREEN_HOME", str(tmp_path / "elsewhere"))
    moved = home(tmp_path)
    assert moved.home == tmp_path / "elsewhere"
    assert all(path.is_relative_to(moved.home) for path in _all(moved).values())
    monkeypatch.setenv("EVERGREEN_HOME", "")
    assert home(tmp_path).home == tmp_path / ".evergreen"
