"""Training runs on one thread, whatever the machine would give."""

from __future__ import annotations

import threadpoolctl

from pipelines.models.threads import one_thread


def _threads() -> set[int]:
    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def test_one_thread_inside_and_as_before_outside() -> None:
    with threadpoolctl.threadpool_limits(2):
        with one_thread():
            assert _threads() == {1}
            assert {"openmp", "blas"} <= {
                library["user_api"] for library in threadpoolctl.threadpool_info()
            }
        assert 2 in _threads()
