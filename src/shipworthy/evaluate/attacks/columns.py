"""Rows as numbers and back: categories as codes, empty cells as NaN, and which columns change as one.

In: declared features and reference rows. Out: an (n, features) matrix, the values a model takes, a row to show.
Cells that did not change keep the very value they had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.bench import cell_of
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category, as_number

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Cells = NDArray[Any]  # of objects: the values of rows, in feature order


@dataclass(frozen=True)
class Block:
    """What changes as one: a single feature, or all columns of a one-hot group. `switches`: all or nothing."""

    name: str
    columns: tuple[int, ...]
    switches: bool


def blocks_of(features: Sequence[Feature]) -> tuple[Block, ...]:
    """Return the blocks that may change; a group with one member that may not move freely may not. A text never does
    here: `text_flip` attacks texts."""
    made = [
        Block(one.name, (at,), one.type in (CATEGORY, "bool"))
        for at, one in enumerate(features)
        if one.group is None and one.mutable != "no" and one.type != TEXT
    ]
    for group in sorted({one.group for one in features if one.group}):
        columns = tuple(at for at, one in enumerate(features) if one.group == group)
        if all(features[at].mutable == "yes" and features[at].type != CATEGORY for at in columns):
            made.append(Block(group, columns, True))
    return tuple(made)


class Coding:
    """How the cells of these features are written as numbers. A category not in the reference has the code -1."""

    def __init__(self, features: Sequence[Feature], reference: Sequence[Row]) -> None:
        self.features = tuple(features)
        texts = {at: _texts(one, reference) for at, one in enumerate(features) if one.type == CATEGORY}
        self._texts = {at: np.array(list(seen), dtype=object) for at, seen in texts.items()}
        self._codes = {at: {text: float(code) for code, text in enumerate(seen)} for at, seen in texts.items()}
        self._whole = np.array([one.type in ("int", "bool") for one in features], dtype=bool)

    def categories(self, column: int) -> int:
        """Return how many categories of the column are known."""
        return len(self._texts[column])

    def encode(self, rows: Sequence[Row]) -> Floats:
        """Return an (n, features) matrix."""
        columns = [self._column(at, one, rows) for at, one in enumerate(self.features)]
        return np.array(columns, dtype=np.float64).reshape(len(self.features), len(rows)).T.copy()

    def cells(self, rows: Sequence[Row]) -> Cells:
        """Return the values of the rows as a model takes them, as an (n, features) matrix of objects."""
        made = np.empty((len(rows), len(self.features)), dtype=object)
        for at, one in enumerate(self.features):
            made[:, at] = [cell_of(one, row.get(one.name)) for row in rows]
        return made

    def values(self, points: Floats, changed: Bools, base: Cells) -> Cells:
        """Return `base` with the changed cells of `points`. Nothing is checked: these must be projected points."""
        made: Cells = base.copy()
        made[changed] = points[changed]  # as Python's own floats
        whole = changed & self._whole
        made[whole] = points[whole].astype(np.int64)
        for at, texts in self._texts.items():
            where = np.flatnonzero(changed[:, at])
            made[where, at] = texts[points[where, at].astype(np.int64)]
        return made

    def decode(self, point: Floats, start: Floats, row: Row) -> dict[str, Value]:
        """Return `row` (encoded: `start`) with the features of `point`; other columns and unchanged cells stay."""
        changed = (point != start) & ~(np.isnan(point) & np.isnan(start))
        made = self.values(point[None], changed[None], self.cells([row]))[0]
        return {**row, **{self.features[at].name: made[at] for at in np.flatnonzero(changed)}}

    def _column(self, at: int, feature: Feature, rows: Sequence[Row]) -> list[float]:
        cells = [row.get(feature.name) for row in rows]
        if feature.type == CATEGORY:
            codes, texts = self._codes[at], [as_category(cell) for cell in cells]
            return [float("nan") if text is None else codes.get(text, -1.0) for text in texts]
        numbers = [None if feature.type == TEXT else as_number(cell) for cell in cells]
        return [float("nan") if number is None else number for number in numbers]


def _texts(feature: Feature, reference: Sequence[Row]) -> list[str]:
    return sorted({text for row in reference if (text := as_category(row.get(feature.name))) is not None})
