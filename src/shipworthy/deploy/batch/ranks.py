"""Which rows are alike: several columns of small numbers become one number of a group.

In: columns of codes. Out: the group of each row, and one row of each group. What is costly is then done once a group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.ranked import Places as Places
from shipworthy.stats.ranked import ranked

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_MOST = 1 << 40  # of a product of codes, so that the next factor cannot overflow


class Groups(NamedTuple):
    """`of`: the group of each row, from 0 in the order in which groups come first; `first`: the first row of each."""

    of: Places
    first: Places


def grouped(n: int, columns: Iterable[tuple[NDArray[np.integer], int]]) -> Groups:
    """Return the groups of `n` rows that have the same code in every column, each given with its number of codes."""
    ids, size = np.zeros(n, dtype=np.intp), 1
    for codes, width in columns:
        if width <= 1:
            continue
        if size * width > _MOST:
            used, ids = ranked(ids, size)
            size = max(1, used.size)
        ids, size = ids * width + codes, size * width
    used, of = ranked(ids, size)
    first = np.full(used.size, n, dtype=np.intp)
    first[of[::-1]] = np.arange(n - 1, -1, -1)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return Groups(place[of], first[order])
