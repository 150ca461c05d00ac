"""Counts of many windows in one table, so that a batch of events is added in one pass.

In: keys, and the rows and places that are counted up. Out: one row of counts a key. Adding is exact and does not depend
on order; single thread.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Places = NDArray[np.intp]
Key = TypeVar("Key", bound=Hashable)
_FIRST = 16  # rows


class Table(Generic[Key]):
    """`width` counts a key; grows by doubling."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._rows: dict[Key, int] = {}
        self._counts = np.zeros((_FIRST, width), dtype=np.int64)

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[Key]:
        return iter(self._rows)

    def row(self, key: Key) -> int:
        """Return the row of a key, a new one of zeros if it has none."""
        at = self._rows.get(key)
        if at is None:
            at = self._rows[key] = len(self._rows)
            if at == len(self._counts):
                self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        return at

    def rows_of(self, keys: Sequence[Key]) -> Places:
        """Return the row of each key."""
        at = list(map(self._rows.get, keys))
        if None in at:
            return np.array([self.row(key) for key in keys], dtype=np.intp)
        return np.array(at, dtype=np.intp)

    def add(self, rows: Places, places: Places, by: Ints | int = 1) -> None:
        """Count up place `places[…, i]` of row `rows[i]` for every i."""
        np.add.at(self._counts.reshape(-1), (rows * self.width + places).reshape(-1), by)

    def add_row(self, row: int, counts: Ints) -> None:
        """Add int64[width] counts to a row."""
        self._counts[row] += counts

    def counts(self, keys: Sequence[Key]) -> Ints:
        """Return int64[keys, width]. Raises KeyError for one that has no row."""
        return self._counts[[self._rows[key] for key in keys]]

    def forget(self, keys: Sequence[Key]) -> None:
        """Drop the rows of some keys; those of the others may move."""
        for key in keys:
            del self._rows[key]
        kept = self._counts[list(self._rows.values())]
        self._rows = {key: at for at, key in enumerate(self._rows)}
        self._counts = np.concatenate([kept, np.zeros((_FIRST, self.width), dtype=np.int64)])
