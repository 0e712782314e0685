"""Handwritten digits of 8x8 pixels, from 0 to 16: the 1,797 that scikit-learn brings along.

Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (its test set).
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.datasets import images
from pipelines.datasets.base import Ingested
from pipelines.errors import SourceError
from pipelines.settings import IngestSettings

SOURCE = "package:scikit-learn"
SCHEMA = images.schema((8, 8, 1), images.DIGITS)


class Digits:
    """The smallest images that a model can be trained on within a second."""

    def fingerprint(self, settings: IngestSettings) -> dict[str, Any]:
        """The digest of the images themselves: the package changes without them."""
        pixels, labels = _loaded(settings)
        content = hashlib.sha256(pixels.tobytes() + labels.tobytes())
        return {"source": SOURCE, "images": len(pixels), "sha256": content.hexdigest()}

    def read(self, settings: IngestSettings) -> Ingested:
        """All images; see `images.ingested`."""
        images.refuse_window(settings)
        pixels, labels = _loaded(settings)
        return images.ingested(pixels, labels, SCHEMA)


def _loaded(settings: IngestSettings) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    if settings.source != SOURCE:
        raise SourceError(
            f"the digits dataset reads {SOURCE}, not {settings.source}",
            where="params.yaml: ingest.source",
            next_step=f"set it to {SOURCE}, or use `dataset: mnist` for IDX files",
        )
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images.astype("<f8"), found.target.astype("<i8")
