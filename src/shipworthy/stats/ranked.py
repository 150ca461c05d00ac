"""Which of many possible ids occur, and the rank of each among them.

In: ids in [0, size). Out: those that occur, ascending, and for every id its rank. Pure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
_SPARE = 1024  # up to four times as many possible ids as ids, and this many more, a table beats a sort


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
