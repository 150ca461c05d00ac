"""One thread for the numbers of an evaluation: what several would give depends on how many there are.

Small models gain nothing from more, and two processes with two threads each on two processors wait for each other. Work
is shared between processes instead (`--workers`).
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits  # comes with scikit-learn


def one_thread() -> AbstractContextManager[object]:
    """Hold OpenMP and BLAS of this process to one thread, for as long as the block runs."""
    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
