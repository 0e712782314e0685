"""The key of identifiers: made once, private, the same for all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines.packaging.keys import log_key
from pipelines.paths import HomePaths


def test_it_is_made_once_and_belongs_to_its_owner(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    path = log_key(home)
    content = path.read_text(encoding="utf-8")
    assert len(bytes.fromhex(content)) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert log_key(home).read_text(encoding="utf-8") == content
    assert log_key(HomePaths(tmp_path / "other")).read_text(encoding="utf-8") != content


def test_many_at_once_agree_and_leave_no_drafts(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: log_key(home).read_text(encoding="utf-8"), range(16)))
    assert len(keys) == 1
    assert [path.name for path in home.keys.iterdir()] == ["prediction-log.key"]
