"""What holds between the columns of a valid row, looked at only where a change touched it.

In: relations, the rows under attack, their values. Out: which changed points keep every relation. One that cannot be
told is not kept; one that no change touched is as it was in the row itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.attacks.columns import Block, Bools, Cells, Ints
from shipworthy.expr import Expression
from shipworthy.profile.rows import Row


class Relations:
    """The relations of a space over a batch of rows."""

    def __init__(
        self, relations: Sequence[Expression], features: Sequence[Feature], blocks: Sequence[Block], rows: Sequence[Row]
    ) -> None:
        places = {one.name: at for at, one in enumerate(features)}
        self._rows = rows
        self._each = tuple(relations)
        self._names = [tuple(one.names) for one in relations]
        self._columns = [[places[name] for name in names if name in places] for names in self._names]
        self._places = [tuple(places.get(name, -1) for name in names) for names in self._names]
        self._kept: list[Bools] = [
            np.array([relation(row) is True for row in rows], dtype=bool) for relation in relations
        ]
        self.kept_before: Bools = np.all([np.ones(len(rows), dtype=bool), *self._kept], axis=0)
        self.touched = _whole_blocks(self._columns, blocks)

    def kept(self, at: Ints, values: Cells, changed: Bools) -> Bools:
        """Return which points, of rows `at` with these values, keep every relation."""
        found = np.ones(len(at), dtype=bool)
        for number, columns in enumerate(self._columns):
            touched = changed[:, columns].any(axis=1)
            found &= self._kept[number][at] | touched
            places = np.flatnonzero(found & touched)
            told = zip(at[places].tolist(), values[places], changed[places].tolist(), strict=True)
            found[places] = [self._holds(number, self._rows[row], cells, new) for row, cells, new in told]
        return found

    def _holds(self, number: int, row: Row, values: Cells, changed: Sequence[bool]) -> bool:
        named = {
            name: values[column] if column >= 0 and changed[column] else row.get(name)
            for name, column in zip(self._names[number], self._places[number], strict=True)
        }
        return self._each[number](named) is True


def _whole_blocks(columns: Sequence[Sequence[int]], blocks: Sequence[Block]) -> list[int]:
    """Every column that some relation speaks of, and those that can only change together with it."""
    named = {column for several in columns for column in several}
    return sorted({column for block in blocks if named & set(block.columns) for column in block.columns})
