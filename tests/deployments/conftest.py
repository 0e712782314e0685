"""The shared model folder and bento, under the names that tests ask for."""

from tests.packaged import artifact, packaged

__all__ = ["artifact", "packaged"]
