"""Which unseen categories come most, without keeping one: a linear sketch over keyed hashes.

In: hashes of unseen values, made with a key that rotates. Out: counts that add up exactly in any order, and of them the
16-bit tags of values that make up most of what fell in their cell. A tag tells the same value again while its key
lasts; it cannot be turned back into the value.

16 cells a category, each with its total and, for each of 16 bits of the hash, how many had it set. A value with more
than half of its cell decides every bit (combinatorial group testing: Cormode & Muthukrishnan, ACM TODS 30 (2005)
249-278, for a majority of a cell).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

BUCKETS, BITS = 16, 16
WIDTH = BUCKETS * (1 + BITS)
Ints = NDArray[np.int64]
_PLACES = np.arange(BITS)


def empty(categories: int) -> Ints:
    """Return the sketch of no value: int64[categories * 272]."""
    return np.zeros(categories * WIDTH, dtype=np.int64)


def count(sketch: Ints, category: int, hashed: int) -> None:
    """Count one unseen value of a category by its hash, an int from 0 of at least 20 bits."""
    first = category * WIDTH + (hashed & (BUCKETS - 1)) * (1 + BITS)
    sketch[first] += 1
    sketch[first + 1 : first + 1 + BITS] += ((hashed >> 4) >> _PLACES) & 1


def heavy(sketch: Sequence[int], category: int) -> Iterator[tuple[str, int]]:
    """Yield (tag, rows at most) of each value with more than half of its cell, in the order of cells.

    The true count is at most what is told: bits that other values share are counted with it.
    """
    for bucket in range(BUCKETS):
        first = category * WIDTH + bucket * (1 + BITS)
        total = sketch[first] if len(sketch) > first else 0
        if not total:
            continue
        ones = sketch[first + 1 : first + 1 + BITS]
        agreed = min(max(one, total - one) for one in ones)
        if 2 * agreed > total:
            tag = sum(1 << place for place, one in enumerate(ones) if 2 * one > total)
            yield f"#{bucket:x}{tag:04x}", int(agreed)
