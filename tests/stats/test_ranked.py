"""Ids that occur and their ranks: the same by the table and by the sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.ranked import ranked


@given(st.lists(st.integers(0, 50), max_size=40), st.sampled_from([51, 1 << 20]))
def test_ranks_find_each_id_again_and_no_other_is_named(ids: list[int], size: int) -> None:
    used, rank = ranked(np.array(ids, dtype=np.intp), size)
    assert used.tolist() == sorted(set(ids))
    assert [int(used[one]) for one in rank] == ids
    assert rank.dtype == np.intp


def test_an_id_out_of_range_is_refused() -> None:
    with pytest.raises(IndexError):
        ranked(np.array([51], dtype=np.intp), 51)
