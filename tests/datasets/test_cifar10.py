"""CIFAR-10 from a folder, an archive, a URL or a drawing hand: the same rows."""

from __future__ import annotations

import functools
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.datasets import cifar_binary
from pipelines.datasets.cifar10 import CLASSES, SCHEMA, Cifar10
from pipelines.datasets.cifar_drawn import drawn
from pipelines.errors import DataError, EvergreenError, SettingsError, SourceError
from pipelines.settings import IngestSettings

PIXELS, LABELS = drawn(40)
BATCHES = {
    "data_batch_1.bin": cifar_binary.encode(PIXELS[:20], LABELS[:20]),
    "data_batch_2.bin": cifar_binary.encode(PIXELS[20:30], LABELS[20:30]),
    "test_batch.bin": cifar_binary.encode(PIXELS[30:], LABELS[30:]),
}


def settings(source: object, **more: str) -> IngestSettings:
    return IngestSettings(dataset="cifar10", source=str(source), **more)


def rows(source: object) -> pd.DataFrame:
    ingested = Cifar10().read(settings(source))
    assert ingested.schema == SCHEMA
    [(name, frame)] = ingested.partitions
    assert name == "all"
    return frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in BATCHES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "batches.meta.txt").write_text("airplane")
    return tmp_path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {**BATCHES, "readme.html": b"<html>"}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server that lists nothing."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def list_directory(self, path: object) -> None:
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            pass

    made = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), made) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_row_is_an_image_pixel_by_pixel_with_its_channels(folder: Path) -> None:
    frame = rows(folder)
    assert frame["label"].tolist() == LABELS.tolist()
    assert frame["label"].dtype == np.int64
    assert set(frame.dtypes[list(SCHEMA.numbers)]) == {np.dtype("float64")}
    values = frame[list(SCHEMA.numbers)].to_numpy().reshape(-1, *SCHEMA.image)
    assert np.array_equal(values, PIXELS)
    assert SCHEMA.image == (32, 32, 3)
    assert SCHEMA.classes == CLASSES


def test_an_archive_holds_the_same_rows(folder: Path, archive: Path) -> None:
    pd.testing.assert_frame_equal(rows(archive), rows(folder))


def test_a_url_leads_to_the_same_rows(folder: Path, archive: Path, server: str) -> None:
    pd.testing.assert_frame_equal(rows(server), rows(folder))
    pd.testing.assert_frame_equal(rows(f"{server}/{archive.name}"), rows(folder))
    files = Cifar10().fingerprint(settings(server))["files"]
    assert [each["name"] for each in files] == list(BATCHES)
    assert all(each["bytes"] == len(BATCHES[each["name"]]) for each in files)


def test_drawings_go_through_the_same_format() -> None:
    frame = rows("synthetic:40")
    values = frame[list(SCHEMA.numbers)].to_numpy().reshape(-1, *SCHEMA.image)
    assert np.array_equal(values, PIXELS)


def test_a_fingerprint_changes_with_a_byte_and_with_nothing_else(folder: Path) -> None:
    before = Cifar10().fingerprint(settings(folder))
    assert [each["name"] for each in before["files"]] == list(BATCHES)
    assert Cifar10().fingerprint(settings(folder)) == before
    content = bytearray(BATCHES["test_batch.bin"])
    content[-1] ^= 1
    (folder / "test_batch.bin").write_bytes(content)
    assert Cifar10().fingerprint(settings(folder)) != before
    one, two = (Cifar10().fingerprint(settings(f"synthetic:{count}")) for count in (40, 50))
    assert one["sha256"] != two["sha256"]


def test_a_damaged_batch_is_named(folder: Path) -> None:
    path = folder / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SourceError, match="not whole records") as caught:
        rows(folder)
    assert caught.value.where == str(path)


def test_a_label_out_of_range_is_named(folder: Path) -> None:
    path = folder / "data_batch_1.bin"
    path.write_bytes(b"\x0b" + path.read_bytes()[1:])
    with pytest.raises(DataError, match="label 11") as caught:
        rows(folder)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("keep", [0, 30, 2000, -500])
def test_a_damaged_archive_is_named(keep: int, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(SourceError, match="archive is damaged") as caught:
        rows(archive)
    assert caught.value.where == str(archive)


def test_a_pickle_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"cos\nsystem\n")
    with pytest.raises(SourceError, match=r"there is none of data_batch_1\.bin"):
        rows(tmp_path)
    with pytest.raises(SourceError, match="there is none of"):
        Cifar10().fingerprint(settings(tmp_path))


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("cifar-10-batches-py/data_batch_1"), io.BytesIO())
    with pytest.raises(SourceError, match="there is none of") as caught:
        rows(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("source", ["synthetic", "synthetic:", "synthetic:9", "synthetic:many"])
def test_a_drawing_needs_a_number(source: str) -> None:
    for asked in (Cifar10().fingerprint, Cifar10().read):
        with pytest.raises(SourceError, match="how many images") as caught:
            asked(settings(source))
        assert "synthetic:5000" in caught.value.next_step


def test_what_is_not_there_is_named(tmp_path: Path, server: str) -> None:
    missing: list[tuple[object, type[EvergreenError]]] = [
        (tmp_path / "nowhere", SourceError),
        (tmp_path / "nowhere.tar.gz", SourceError),
        (f"{server}/nowhere", SourceError),
        (f"{server}/nowhere.tar.gz", SourceError),
        ("sqlite:///x.db?table=t", SourceError),
    ]
    for source, kind in missing:
        with pytest.raises(kind) as caught:
            rows(source)
        assert "nowhere" in caught.value.where or "sqlite" in caught.value.where


def test_a_window_is_refused() -> None:
    with pytest.raises(SettingsError, match="have no time") as caught:
        Cifar10().read(settings("synthetic:40", until="2024-01"))
    assert caught.value.where == "params.yaml: ingest.until"
