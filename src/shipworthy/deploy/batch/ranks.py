"""Which rows are alike: several columns of small numbers become one number of a group.

In: columns of codes. Out: the group of each row, and one row of each group. What is costly is then done once a group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

_SPARE = 1024
_MOST = 1 << 40  # of a product of codes, so that the next factor cannot overflow


class Groups(NamedTuple):
    """`of`: the group of each row, from 0 in the order in which groups come first; `first`: the first row of each."""

    of: Places
    first: Places


def ranked(ids: Places, size: int) -> tuple[Places, Places]:
    """Return (the ids in [0, size) that occur, ascending; the rank of each). Without a sort where ids are dense."""
    if size > 4 * ids.size + _SPARE:
        used, rank = np.unique(ids, return_inverse=True)
        return used, rank.astype(np.intp)
    there = np.zeros(size, dtype=bool)
    there[ids] = True
    used = np.flatnonzero(there)
    rank = np.zeros(size, dtype=np.intp)
    rank[used] = np.arange(used.size)
    return used, rank[ids]


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
