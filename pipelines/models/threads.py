"""One thread for training, so that the same rows give the same model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block OpenMP and BLAS use one thread each.

    Threads add up partial sums in the order in which they finish, and a float sum depends on its
    order: with more threads, another run or another machine may grow another tree. It also keeps
    training calm where a container grants fewer cores than the machine has: threads that spin for
    a core that they do not get made a fit of 3 seconds take 78.
    """
    # The limit reaches only libraries that are loaded already.
    import sklearn.ensemble  # noqa: F401
    import threadpoolctl

    with threadpoolctl.threadpool_limits(limits=1):
        yield
