"""Local files: what reads, and what is refused with file, place and next step."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.datasets import sources
from pipelines.errors import DataError, EvergreenError, SourceError

GOOD = b"day,code,price,ok\n2024-01-01,NA,1,true\n2024-01-02,DE,2.5,false\n"


def write(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def test_a_csv_keeps_what_pandas_would_lose(tmp_path: Path) -> None:
    frame = sources.read(write(tmp_path, "a.csv", GOOD))
    assert frame["code"].tolist() == ["NA", "DE"]
    assert frame["price"].tolist() == [1.0, 2.5]
    assert frame["ok"].tolist() == [True, False]
    assert str(frame["day"].dtype).startswith("datetime64")


def test_columns_named_as_text_stay_as_they_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"zip,price\n01234,1\n00007,2\n")
    assert sources.read(path, text=["zip"])["zip"].tolist() == ["01234", "00007"]
    assert sources.read(path)["zip"].tolist() == [1234, 7]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    frame = sources.read(write(tmp_path, "a.csv", b"\xef\xbb\xbf" + GOOD))
    assert frame.columns[0] == "day"


def test_packed_csv_files_read_alike(tmp_path: Path) -> None:
    plain = sources.read(write(tmp_path, "a.csv", GOOD))
    packed = write(tmp_path, "b.csv.gz", gzip.compress(GOOD))
    with zipfile.ZipFile(tmp_path / "c.csv.zip", "w") as archive:
        archive.writestr("inner.csv", GOOD)
    pd.testing.assert_frame_equal(sources.read(packed), plain)
    pd.testing.assert_frame_equal(sources.read(str(tmp_path / "c.csv.zip")), plain)


def test_a_quoted_cell_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b'a,b\n1,"x, ""y""\nz"\n2,5" pipe\n')
    assert sources.read(path)["b"].tolist() == ['x, "y"\nz', '5" pipe']


def test_a_late_decimal_does_not_break_the_column(tmp_path: Path) -> None:
    lines = [b"a,b"] + [b"1,2"] * 300_000 + [b"1.5,2"]
    frame = sources.read(write(tmp_path, "a.csv", b"\n".join(lines)))
    assert frame["a"].iloc[-1] == 1.5


@pytest.mark.parametrize("form", ["relative", "absolute", "file"])
def test_every_way_to_name_a_path(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = write(tmp_path, "in put/a.csv", GOOD)
    monkeypatch.chdir(tmp_path)
    source = {"relative": "in put/a.csv", "absolute": absolute, "file": Path(absolute).as_uri()}
    assert len(sources.read(source[form])) == 2


def test_a_pattern_reads_its_files_in_order_of_name(tmp_path: Path) -> None:
    write(tmp_path, "2024-02.csv", b"a,b\n3,4\n")
    write(tmp_path, "2024-01.csv", b"b,a\n2,1\n")  # the same columns in another order
    write(tmp_path, "notes.txt", b"not matched")
    frame = sources.read(str(tmp_path / "2024-*.csv"))
    assert frame.to_dict("list") == {"b": [2, 4], "a": [1, 3]}


def test_a_file_without_any_value_in_a_column_takes_the_type_of_the_others(tmp_path: Path) -> None:
    write(tmp_path, "1.csv", b"a,b\n,x\n,y\n")
    write(tmp_path, "2.csv", b"a,b\n5,z\n6,\n")
    frame = sources.read(str(tmp_path / "*.csv"))
    assert frame["a"].dtype == "float64"
    assert frame["a"].isna().tolist() == [True, True, False, False]


def test_folder_names_do_not_become_columns(tmp_path: Path) -> None:
    path = tmp_path / "year=2013" / "part.parquet"
    path.parent.mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(path)
    assert sources.read(str(tmp_path / "**" / "*.parquet")).columns.tolist() == ["a"]


def half_parquet(tmp_path: Path) -> bytes:
    pd.DataFrame({"a": range(1000)}).to_parquet(tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    return content[: len(content) // 2]


def double_parquet(tmp_path: Path) -> bytes:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "double.parquet")
    return (tmp_path / "double.parquet").read_bytes()


BAD = {
    "empty.csv": (b"", SourceError, "empty"),
    "blank.csv": (b"\n \n\n", SourceError, "empty"),
    "header.csv": (b"a,b\n", SourceError, "no rows"),
    "latin.csv": (b"a,b\n1,x\n2,caf\xe9\n", SourceError, r"0xe9 at offset 13, line 3"),
    "wide.csv": ("a,b\n1,2\n".encode("utf-16"), SourceError, "UTF-16"),
    "twice.csv": (b"a,b,a\n1,2,3\n", DataError, "more than one column is named 'a'"),
    "unnamed.csv": (b",a,b\n0,1,2\n", DataError, "column 1 has no name"),
    "short.csv": (b"a,b\n1,2\n3\n", DataError, "Row #3: Expected 2 columns, got 1"),
    "long.csv": (b"a,b\n1,2\n3,4,5\n", DataError, "Row #3: Expected 2 columns, got 3"),
    "open.csv": (b'a,b\n1,x\n2,"y\n3,z\n4,w\n', DataError, "line 3"),
    "semicolon.csv": (b"a;b\n1;2\n", DataError, "only one column.*semicolons"),
    "one.csv": (b"a\n1\n", DataError, "only one column"),
    "torn.csv.gz": (gzip.compress(GOOD, mtime=0)[:-9], SourceError, "half-written"),
    "false.csv.gz": (GOOD, SourceError, "damaged"),
    "false.zip": (GOOD, SourceError, "damaged"),
    "book.xlsx": (b"x", SourceError, r"unsupported file type '.xlsx'; allowed: .csv"),
    "empty.parquet": (b"", SourceError, "empty"),
    "text.parquet": (GOOD, SourceError, "not a whole Parquet file"),
    "half.parquet": (half_parquet, SourceError, "not a whole Parquet file"),
    "double.parquet": (double_parquet, DataError, "more than one column is named 'a'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    content, kind, words = BAD[name]
    path = write(tmp_path, name, content(tmp_path) if callable(content) else content)
    with pytest.raises(EvergreenError, match=words) as caught:
        sources.read(path)
    assert type(caught.value) is kind
    assert caught.value.where == path
    assert caught.value.next_step


def test_an_archive_of_two_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.csv", GOOD)
        archive.writestr("y.csv", GOOD)
    with pytest.raises(SourceError, match=r"holds 2 files, not one: x.csv, y.csv"):
        sources.read(str(tmp_path / "a.zip"))


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.csv", "no such file"), ("*.csv", "no file matches"), ("", "this is a folder")],
)
def test_nothing_there_is_an_error(name: str, words: str, tmp_path: Path) -> None:
    for look in (sources.read, sources.fingerprint):
        with pytest.raises(SourceError, match=words):
            look(str(tmp_path / name))


def test_files_that_differ_in_columns_are_named(tmp_path: Path) -> None:
    write(tmp_path, "1.csv", b"a,b\n1,2\n")
    second = write(tmp_path, "2.csv", b"a,c\n1,2\n")
    with pytest.raises(DataError, match=r"lacks 'b' and has 'c' more") as caught:
        sources.read(str(tmp_path / "*.csv"))
    assert caught.value.where == second
    assert "1.csv" in caught.value.problem


def test_a_retyped_column_is_named(tmp_path: Path) -> None:
    write(tmp_path, "1.csv", b"a,b\n1,2\n")
    second = write(tmp_path, "2.csv", b"a,b\nmany,2\n")
    with pytest.raises(DataError, match=r"column 'a' holds text here, and number in .*1.csv") as c:
        sources.read(str(tmp_path / "*.csv"))
    assert c.value.where == second
    # the way out that the message names
    assert sources.read(str(tmp_path / "*.csv"), text=["a"])["a"].tolist() == ["1", "many"]


def test_the_fingerprint_sees_content_and_not_dates_or_places(tmp_path: Path) -> None:
    first = write(tmp_path / "here", "a/x.csv", GOOD)
    write(tmp_path / "there", "a/x.csv", GOOD)
    before = sources.fingerprint(str(tmp_path / "here" / "*" / "*.csv"))
    assert before == sources.fingerprint(str(tmp_path / "there" / "*" / "*.csv"))
    assert before["files"][0]["name"] == "a/x.csv"
    assert before["files"][0]["bytes"] == len(GOOD)
    Path(first).write_bytes(GOOD.replace(b"2.5", b"2.6"))
    assert before != sources.fingerprint(str(tmp_path / "here" / "*" / "*.csv"))
