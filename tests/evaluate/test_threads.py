from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_info

from shipworthy.evaluate.run.threads import one_thread


def threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info()}


def test_an_evaluation_counts_on_one_thread_and_gives_the_others_back() -> None:
    HistGradientBoostingClassifier(max_iter=1).fit(np.arange(40.0).reshape(20, 2), [0, 1] * 10)  # loads OpenMP
    before = threads()
    with one_thread():
        assert threads() == {1}
    assert threads() == before
