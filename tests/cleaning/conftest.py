"""A project to clean up."""

from __future__ import annotations

import pytest

from tests.cleaning.world import World
from tests.stack.conftest import project
from tests.stack.project import Project

__all__ = ["project"]


@pytest.fixture
def world(project: Project) -> World:
    return World(project)
