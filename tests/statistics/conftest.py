"""Property tests draw the same examples every time, and a loaded machine is not a failure."""

from hypothesis import settings

settings.register_profile("evergreen", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("evergreen")
