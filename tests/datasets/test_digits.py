"""scikit-learn's digits, and the bar that a support vector machine has to clear on them."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.datasets.digits import SCHEMA, SOURCE, Digits
from pipelines.errors import SettingsError, SourceError
from pipelines.frames import features, labels
from pipelines.models.base import Training, last
from pipelines.models.svm import Svm
from pipelines.settings import IngestSettings

SETTINGS = IngestSettings(dataset="digits", source=SOURCE)


def test_there_are_1797_of_8_by_8() -> None:
    ingested = Digits().read(SETTINGS)
    [(name, frame)] = ingested.partitions
    assert (name, frame.shape) == ("all", (1797, 65))
    assert ingested.schema.image == (8, 8, 1)
    values = frame[list(SCHEMA.numbers)].to_numpy()
    assert values.dtype == np.float64
    assert (values.min(), values.max()) == (0, 16)
    assert frame["label"].tolist()[:5] == [0, 1, 2, 3, 4]


def test_the_fingerprint_is_that_of_the_images() -> None:
    found = Digits().fingerprint(SETTINGS)
    assert found == Digits().fingerprint(SETTINGS)
    assert found["images"] == 1797
    assert len(found["sha256"]) == 64


def test_another_source_is_refused() -> None:
    with pytest.raises(SourceError, match=r"reads package:scikit-learn, not digits\.csv"):
        Digits().fingerprint(SETTINGS.model_copy(update={"source": "digits.csv"}))


def test_a_window_is_refused() -> None:
    with pytest.raises(SettingsError, match="have no time"):
        Digits().read(SETTINGS.model_copy(update={"since": "2024-01"}))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_support_vector_machine_reads_them() -> None:
    [(_, frame)] = Digits().read(SETTINGS).partitions
    is_asked = np.random.default_rng(0).random(len(frame)) < 0.25
    known, asked = frame[~is_asked], frame[is_asked]
    training = Training(features(known, SCHEMA), labels(known, SCHEMA), SCHEMA, {}, seed=1)
    said = last(Svm().fit(training)).scores(features(asked, SCHEMA)).argmax(axis=1)
    assert (said == labels(asked, SCHEMA)).mean() >= 0.97
