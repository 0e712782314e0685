"""A real release, read from the bento that all tests of packaging share."""

from __future__ import annotations

import pytest

from pipelines.deploying import Deployable
from pipelines.packaging import bento_path, model_folder
from tests.packaged import Packaged, artifact, packaged

__all__ = ["artifact", "packaged", "version"]


@pytest.fixture(scope="session")
def version(packaged: Packaged) -> Deployable:
    """flights@v3, as its bento says."""
    folder = bento_path(packaged.tag, packaged.home)
    return Deployable.read(folder, model_folder(packaged.tag, packaged.home))
