"""A real S3 API on a loopback port, and servers that misbehave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import s3fs

from pipelines.datasets import sources
from pipelines.errors import SourceError
from pipelines.ports import free_port
from tests.datasets.conftest import KEY, SECRET, point_at


def test_a_pattern_on_s3_is_read(bucket: s3fs.S3FileSystem) -> None:
    frame = sources.read("s3://sales/y/*.parquet")
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "x"]}
    assert len(sources.read("s3://sales/y/2024-02.parquet")) == 1


def test_the_fingerprint_sees_a_new_and_a_changed_object(bucket: s3fs.S3FileSystem) -> None:
    before = sources.fingerprint("s3://sales/y/*.parquet")
    assert before == sources.fingerprint("s3://sales/y/*.parquet")
    assert [file["name"] for file in before["files"]] == ["2024-01.parquet", "2024-02.parquet"]
    assert all(file["etag"] for file in before["files"])
    assert SECRET not in str(before)
    assert KEY not in str(before)
    with bucket.open("sales/y/2024-02.parquet", "wb") as file:
        pd.DataFrame({"a": [9], "b": ["x"]}).to_parquet(file)
    changed = sources.fingerprint("s3://sales/y/*.parquet")
    assert changed["files"][0] == before["files"][0]
    assert changed["files"][1] != before["files"][1]
    bucket.rm("sales/y/2024-01.parquet")
    assert len(sources.fingerprint("s3://sales/y/*.parquet")["files"]) == 1


@pytest.mark.parametrize(
    "source",
    [
        "s3://sales/none/*.parquet",
        "s3://sales/none.csv",
        "s3://nowhere/a.csv",
        "s3://nowhere/*.csv",
    ],
)
def test_nothing_there_is_an_error(source: str, bucket: s3fs.S3FileSystem) -> None:
    for look in (sources.read, sources.fingerprint):
        with pytest.raises(SourceError) as caught:
            look(source)
        assert caught.value.where == source


def test_a_damaged_object_is_named_by_its_url(bucket: s3fs.S3FileSystem) -> None:
    bucket.pipe("sales/y/2024-03.parquet", b"PAR1 and no more")
    with pytest.raises(SourceError, match="not a whole Parquet file") as caught:
        sources.read("s3://sales/y/*.parquet")
    assert caught.value.where == "s3://sales/y/2024-03.parquet"


def test_a_file_of_another_type_is_refused(bucket: s3fs.S3FileSystem) -> None:
    bucket.pipe("sales/y/README.md", b"x")
    with pytest.raises(SourceError, match=r"unsupported file type '.md'"):
        sources.read("s3://sales/y/*")


def test_a_closed_port_is_an_error_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(f"http://127.0.0.1:{free_port()}", monkeypatch)
    begun = time.monotonic()
    with pytest.raises(SourceError) as caught:
        sources.read("s3://sales/y/*.parquet")
    assert time.monotonic() - begun < 25
    assert SECRET not in str(caught.value)


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.datasets.sources.remote.ANSWER_SECONDS", 1.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # accepts, and never says a word
        point_at(f"http://127.0.0.1:{silent.getsockname()[1]}", monkeypatch)
        begun = time.monotonic()
        with pytest.raises(SourceError, match="no answer within"):
            sources.fingerprint("s3://sales/y/*.parquet")
        assert time.monotonic() - begun < 30


def test_a_scheme_whose_package_is_missing_names_it() -> None:
    with pytest.raises(SourceError, match="gcsfs"):
        sources.read("gs://bucket/a.csv")


@pytest.fixture
def web() -> Iterator[SimpleNamespace]:
    """A web server that gives /a.csv, and breaks off in the middle of /torn.csv."""
    content = b"a,b\n1,2\n3,4\n"

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(send=True)

        def do_HEAD(self) -> None:
            self.answer(send=False)

        def answer(self, *, send: bool) -> None:
            if "missing" in self.path:
                self.send_error(404)
                return
            torn = "torn" in self.path
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) * (1000 if torn else 1)))
            self.send_header("ETag", '"v1"')
            self.end_headers()
            if send:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_address_is_read(web: SimpleNamespace) -> None:
    source = f"{web.url}/a.csv?token=hunter2"
    assert sources.read(source)["b"].tolist() == [2, 4]
    assert "hunter2" not in str(sources.fingerprint(source))
    assert sources.fingerprint(source)["files"][0]["etag"] == "v1"


@pytest.mark.parametrize("name", ["missing.csv", "torn.csv"])
def test_a_transfer_that_fails_is_an_error(name: str, web: SimpleNamespace) -> None:
    with pytest.raises(SourceError) as caught:
        sources.read(f"{web.url}/{name}?token=hunter2")
    assert "hunter2" not in str(caught.value)


def test_nothing_fetched_is_left_behind(
    bucket: s3fs.S3FileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sources.read("s3://sales/y/*.parquet")
    bucket.pipe("sales/y/2024-00.csv", b"a\n")
    with pytest.raises(Exception, match="only one column"):
        sources.read("s3://sales/y/*")
    assert list(tmp_path.iterdir()) == []
