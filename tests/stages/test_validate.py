"""The stage on real files: good months pass, each planted fault is caught, bytes never vary."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import DataError, SettingsError, ValidationError
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.stages import validate
from tests.validation.frames import SCHEMA, month, project, settings

RULES = """\
rows:
  - type: expect_column_values_to_be_between
    kwargs: {column: x, min_value: -5, max_value: 5, mostly: 0.9}
    rows: quarantine
    severity: warning
    why: <b>Nothing</b> beyond 5 was ever sold.
  - type: expect_column_max_to_be_between
    kwargs: {column: day, min_value: {$PARAMETER: freshest}}
  - type: expect_column_proportion_of_non_null_values_to_be_between
    kwargs: {column: c, min_value: 0.5}
tables:
  prices:
    - type: expect_column_values_to_be_unique
      kwargs: {column: item}
      rows: quarantine
      severity: warning
"""
ROWS_ONLY = RULES.partition("tables")[0]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def run(paths: ModelPaths, **limits: Any) -> dict[str, Any]:
    limits.setdefault("freshness_days", 5)
    validate.run(paths, settings(**limits))
    return read(paths.validation / "validation.json")


def outcomes(content: dict[str, Any], outcome: str = "FAILED") -> list[tuple[str, str]]:
    return [
        (result["rule"], result["severity"])
        for result in content["results"]
        if result["outcome"] == outcome
    ]


def test_good_rows_pass_unaltered(tmp_path: Path) -> None:
    paths = project(tmp_path)
    content = run(paths)
    assert content["outcome"] == "PASSED"
    assert outcomes(content) == []
    assert Schema.read(paths.clean) == SCHEMA
    for name in ("2024-01", "2024-02"):
        clean = pd.read_parquet(paths.clean / f"{name}.parquet")
        pd.testing.assert_frame_equal(clean, pd.read_parquet(paths.raw / f"{name}.parquet"))
    quarantined = pq.read_table(paths.quarantine / "rows.parquet")
    assert quarantined.num_rows == 0
    assert quarantined.schema.names == ["day", "x", "y", "c", "t", "reasons"]
    assert quarantined.schema.field("reasons").type == pa.list_(pa.string())
    summary = read(paths.validation_summary)
    assert summary["tables"]["rows"] == {
        "read": 200,
        "kept": 200,
        "quarantined": 0,
        "quarantined_share": 0.0,
    }


def test_bad_rows_are_kept_apart_with_every_reason(tmp_path: Path) -> None:
    january, february = month("2024-01"), month("2024-02", seed=1)
    january.loc[3, ["x", "t"]] = [7.0, np.nan]  # two reasons in one row
    january.loc[4, "x"] = np.inf
    february.loc[5, "x"] = -1e31
    february = pd.concat([february, february.iloc[[8]]], ignore_index=True)  # told twice
    prices = pd.DataFrame({"item": [*"acdefghijk", "b", "b"]})
    paths = project(
        tmp_path,
        {"2024-01": january, "2024-02": february},
        tables={"prices": prices},
        expectations=RULES,
    )
    content = run(paths)
    assert content["outcome"] == "PASSED"
    rows = pd.read_parquet(paths.quarantine / "rows.parquet")
    limits = "x: values to be between (at least -5, at most 5)"
    absurd = "x: numbers are finite and of a size that exists (within 1e+30)"
    assert [list(reasons) for reasons in rows["reasons"]] == [
        ["t: the label is known", limits],
        [absurd, limits],
        [absurd, limits],
        ["no row is there twice"],
    ]
    assert content["tables"]["rows"] == {
        "read": 201,
        "kept": 197,
        "quarantined": 4,
        "quarantined_share": 0.0199,
    }
    assert content["reasons"]["rows"] == {
        limits: 3,
        absurd: 2,
        "no row is there twice": 1,
        "t: the label is known": 1,
    }
    clean = pd.read_parquet(paths.clean / "2024-02.parquet")
    pd.testing.assert_frame_equal(
        clean, february.drop([5, 100]).reset_index(drop=True), check_dtype=False
    )
    assert pd.read_parquet(paths.quarantine / "prices.parquet")["item"].tolist() == ["b", "b"]
    assert not (paths.clean / "tables").exists()


Frames = dict[str, pd.DataFrame]


def spoil(column: str, values: Any, name: str = "2024-02") -> Callable[[Frames], Frames]:
    return lambda frames: {**frames, name: frames[name].assign(**{column: values})}


FAULTS: dict[str, tuple[Callable[[Frames], Frames], str]] = {
    "no rows": (lambda frames: {k: v.iloc[:0] for k, v in frames.items()}, "there are rows"),
    "a lost column": (
        lambda frames: {**frames, "2024-02": frames["2024-02"].drop(columns="y")},
        "every column of the schema is there: y in 2024-02",
    ),
    "a lost target": (
        lambda frames: {k: v.drop(columns="t") for k, v in frames.items()},
        "every column of the schema is there: t in 2024-01; t in 2024-02",
    ),
    "numbers as text": (
        spoil("x", ["1.5"] * 100),
        r"columns keep their type .*: x is large_string in 2024-02",
    ),
    "text as numbers": (spoil("c", 7), r"columns keep their type .*: c is int64 in 2024-02"),
    "labels as text": (spoil("t", "yes"), r"columns keep their type .*: t is large_string"),
    "an empty feature": (
        lambda frames: {k: v.assign(x=np.nan) for k, v in frames.items()},
        "no feature is empty: x",
    ),
    "an empty category": (
        lambda frames: {k: v.assign(c="") for k, v in frames.items()},
        "no feature is empty: c",
    ),
    "one class": (
        lambda frames: {k: v.assign(t=1.0) for k, v in frames.items()},
        "both classes are among the rows that are kept: 1: 200",
    ),
    "no label": (
        lambda frames: {k: v.assign(t=np.nan) for k, v in frames.items()},
        "few rows are in quarantine .*: 200 of 200 rows",
    ),
    "labels of three": (spoil("t", 2.0), "labels are 0 or 1: 0: 50, 1: 50, 2: 100"),
    "too many repeats": (
        lambda frames: {k: pd.concat([v, v]) for k, v in frames.items()},
        "few rows are in quarantine",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_stops_the_run(fault: str, tmp_path: Path) -> None:
    spoiled, words = FAULTS[fault]
    frames = {"2024-01": month("2024-01"), "2024-02": month("2024-02", seed=1)}
    paths = project(tmp_path, spoiled(frames))
    with pytest.raises(ValidationError, match=f"(?s){words}") as caught:
        run(paths)
    assert caught.value.exit_code == 2
    assert "index.html" in caught.value.next_step
    assert read(paths.validation_summary)["outcome"] == "FAILED"
    assert (paths.quarantine / "rows.parquet").exists()
    assert "Stopped" in (paths.validation / "index.html").read_text(encoding="utf-8")
    assert list(paths.clean.iterdir()) == []


def test_a_column_that_is_there_twice_stops_the_run(tmp_path: Path) -> None:
    paths = project(tmp_path)
    path = paths.raw / "2024-02.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("x", table.column("x")), path)
    with pytest.raises(ValidationError, match="each column is there once: x in 2024-02"):
        run(paths)


def test_a_failed_run_leaves_no_rows_of_an_earlier_one(tmp_path: Path) -> None:
    paths = project(tmp_path)
    run(paths)
    month("2024-02").assign(t=2.0).to_parquet(paths.raw / "2024-02.parquet", index=False)
    with pytest.raises(ValidationError):
        run(paths)
    assert list(paths.clean.iterdir()) == []


def test_a_feature_that_is_empty_for_a_month_is_a_warning(tmp_path: Path) -> None:
    frames = {"2024-01": month("2024-01"), "2024-02": month("2024-02", seed=1).assign(c=None)}
    content = run(project(tmp_path, frames))
    assert outcomes(content) == [("no feature is empty for a whole partition", "warning")]
    assert content["outcome"] == "PASSED"


def test_equal_rows_may_be_declared_right(tmp_path: Path) -> None:
    frames = {"2024-01": pd.concat([month("2024-01")] * 2), "2024-02": month("2024-02")}
    paths = project(tmp_path, frames)
    content = run(paths, exact_repeats="keep")
    assert outcomes(content) == [("no row is there twice", "info")]
    assert content["tables"]["rows"]["kept"] == 300


@pytest.mark.parametrize("days", [1, 2])
def test_fresh_enough(days: int, tmp_path: Path) -> None:
    # 2024-02 has 29 days, and the newest row is of the 28th.
    content = run(project(tmp_path, expectations=ROWS_ONLY), freshness_days=days)
    assert content["window"]["freshest"] == f"2024-02-{29 - days}"
    assert content["outcome"] == "PASSED"


def test_stale_rows_stop_the_run(tmp_path: Path) -> None:
    frames = {"2024-01": month("2024-01")}
    paths = project(tmp_path, frames, expectations=ROWS_ONLY)
    with pytest.raises(ValidationError, match=r"day: max to be between \(at least 2024-02-24\)"):
        run(paths)


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_only_a_critical_failure_stops(severity: str, tmp_path: Path) -> None:
    text = f"""\
rows:
  - type: expect_column_mean_to_be_between
    severity: {severity}
    kwargs: {{column: x, min_value: 99}}
"""
    paths = project(tmp_path, expectations=text)
    if severity == "critical":
        with pytest.raises(ValidationError, match=r"(?s)x: mean to be between .*line 2"):
            run(paths)
    else:
        assert outcomes(run(paths)) == [("mean to be between", severity)]


def test_a_rule_on_a_side_table_can_stop_the_run(tmp_path: Path) -> None:
    text = """\
tables:
  prices:
    - type: expect_table_row_count_to_be_between
      kwargs: {min_value: 10}
"""
    paths = project(tmp_path, tables={"prices": pd.DataFrame({"item": ["a"]})}, expectations=text)
    with pytest.raises(ValidationError, match="prices: table row count to be between"):
        run(paths)


def test_rules_for_an_unknown_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no side table prices; there are: none"):
        run(project(tmp_path, expectations=RULES))


def test_without_ingest_there_is_nothing_to_validate(tmp_path: Path) -> None:
    paths = project(tmp_path, {})
    with pytest.raises(DataError, match="no partition"):
        run(paths)
    (paths.raw / "schema.json").unlink()
    with pytest.raises(DataError, match="no schema"):
        run(paths)


def test_a_damaged_partition_is_named(tmp_path: Path) -> None:
    paths = project(tmp_path)
    path = paths.raw / "2024-02.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a whole Parquet file") as caught:
        run(paths)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("name", ["rows", "reasons"])
def test_names_that_quarantine_needs_are_refused(name: str, tmp_path: Path) -> None:
    frames = {"2024-01": month("2024-01").assign(reasons="x")} if name == "reasons" else None
    tables = {"rows": month("2024-01")} if name == "rows" else {}
    with pytest.raises(DataError, match=f"'{name}'"):
        run(project(tmp_path, frames, tables))


def test_the_page_escapes_and_needs_nothing_else(tmp_path: Path) -> None:
    frames = {"2024-01": month("2024-01"), "2024-02": month("2024-02", seed=1)}
    frames["2024-02"].loc[0, "c"] = "<script>alert(1)</script>"
    text = ROWS_ONLY + (
        "  - type: expect_column_values_to_be_in_set\n"
        "    kwargs: {column: c, value_set: [a, b]}\n"
        "    severity: warning\n"
    )
    paths = project(tmp_path, frames, expectations=text)
    run(paths)
    html = (paths.validation / "index.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;Nothing&lt;/b&gt;" in html
    assert "http" not in html
    assert "Passed, with warnings" in html


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    frames = {"2024-01": month("2024-01"), "2024-02": month("2024-02", seed=1)}
    frames["2024-01"].loc[3, "t"] = np.nan
    text = RULES + "    - {type: expect_column_values_to_be_null, kwargs: {column: lost}}\n"
    text += "    - type: expect_column_distinct_values_to_be_in_set\n"
    text += "      kwargs: {column: item, value_set: [z]}\n"
    prices = pd.DataFrame({"item": list("qwertyuiop")})
    paths = project(tmp_path, frames, {"prices": prices}, text)
    with pytest.raises(ValidationError):
        run(paths)
    first = digests(paths)
    params = {"models": {"shop": settings(freshness_days=5).model_dump(mode="json", by_alias=True)}}
    (tmp_path / "params.yaml").write_text(json.dumps(params), encoding="utf-8")
    # Another process with another hash seed, as `dvc repro` starts it.
    command = [sys.executable, "-m", "pipelines.stages", "validate", "shop"]
    root = Path(validate.__file__).parents[2]
    environment = {"PYTHONHASHSEED": "77", "PYTHONPATH": str(root), "PATH": "/usr/bin"}
    second = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 2, second.stderr
    assert "critical rules do not hold" in second.stderr
    assert "Traceback" not in second.stderr
    assert digests(paths) == first
    for path in paths.validation.iterdir():  # reports of two worktrees are compared
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def digests(paths: ModelPaths) -> dict[str, str]:
    return {
        str(path.relative_to(paths.folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(paths.folder.rglob("*"))
        if path.is_file()
    }
