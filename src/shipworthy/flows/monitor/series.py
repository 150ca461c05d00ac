"""Windows and labels of one place in the order of their periods, and sums of any stretch of them at the cost of one.

In: summaries of one (version, tenant, segment). Out: their sum over [start, end), exact: integers are added up from the
beginning, and the sum of a stretch is a difference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from msgspec.structs import replace

from shipworthy.facts import LabelSummary, WindowSummary
from shipworthy.facts.adding import counts_of

Summary = TypeVar("Summary", WindowSummary, LabelSummary)


class Series(Generic[Summary]):
    """Summaries of one place, one a period, oldest first."""

    def __init__(self, given: Sequence[Summary]) -> None:
        """`given` has at least one, and is of one place."""
        self.all: list[Summary] = sorted(given, key=lambda one: one.minute)
        self._minutes: list[int] = [one.minute for one in self.all]
        self._sums: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = {}
        for name in counts_of(type(self.all[0])):
            values = [getattr(one, name) for one in self.all]
            if isinstance(values[0], int):
                table = np.array(values, dtype=np.int64)[:, None]
            else:
                width = max(map(len, values))
                table = np.array([value or (0,) * width for value in values], dtype=np.int64).reshape(len(values), -1)
            self._sums[name] = np.concatenate([np.zeros((1, table.shape[1]), dtype=np.int64), np.cumsum(table, axis=0)])

    def within(self, start: int, end: int) -> list[Summary]:
        """Return the summaries of the periods that begin in [start, end)."""
        low, high = self._span(start, end)
        return self.all[low:high]

    def total(self, start: int, end: int) -> Summary | None:
        """Return their sum under the first period's minute, None where there is none."""
        low, high = self._span(start, end)
        if low >= high:
            return None
        if high == low + 1:
            return self.all[low]
        first = self.all[low]
        sums: dict[str, object] = {}
        for name, table in self._sums.items():
            told = (table[high] - table[low]).tolist()
            sums[name] = told[0] if isinstance(getattr(first, name), int) else tuple(told)
        return replace(first, **sums)

    def _span(self, start: int, end: int) -> tuple[int, int]:
        return bisect_left(self._minutes, start), bisect_left(self._minutes, end)
