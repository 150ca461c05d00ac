"""Which changes of a row somebody could really make, and what they cost.

In: declared features (mutable, range, type, one-hot group), relations, reference rows. Out: rows as numbers, a
projection of any point onto the changes allowed from a given row, a validity check that does not share its code, and
the cost of a change. An attack that leaves this space proves nothing: on tabular data unconstrained attacks succeed on
every row with records that cannot exist. A text never changes here: `text_flip` attacks texts.

Cost (MAD-L1): per changed number |difference| / median absolute deviation of the reference, per changed category or
one-hot group 1, each times the declared `cost` of the feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.contract.manifest import Feature
from shipworthy.expr import Expression
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category, as_number

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """What changes as one: a single feature, or all columns of a one-hot group. `switches`: all or nothing."""

    name: str
    columns: tuple[int, ...]
    switches: bool


class Space:
    """Rows of one model as numbers (categories as codes, empty cells as NaN), and what may change in them."""

    def __init__(self, features: Sequence[Feature], relations: Sequence[Expression], reference: Sequence[Row]) -> None:
        self.features = tuple(features)
        self.relations = tuple(relations)
        self._codes = {one.name: _codes(one, reference) for one in features if one.type == CATEGORY}
        self._texts = {name: {code: text for text, code in codes.items()} for name, codes in self._codes.items()}
        self.blocks = _blocks(self.features)
        self._spread = _spreads(self.features, self.encode(reference))
        self._low = np.array([-np.inf if one.min is None else one.min for one in features])
        self._high = np.array([np.inf if one.max is None else one.max for one in features])
        self._whole = np.array([one.type in ("int", "bool") for one in features])

    def encode(self, rows: Sequence[Row]) -> Floats:
        """Return an (n, features) matrix; a category not in the reference gets a code of its own, which stays."""
        return np.array([[self._cell(one, row.get(one.name)) for one in self.features] for row in rows]).reshape(
            len(rows), len(self.features)
        )

    def decode(self, point: Floats, start: Floats, row: Row) -> dict[str, Value]:
        """Return `row` (encoded: `start`) with the features of `point`; other columns and unchanged cells stay."""
        changed = {
            one.name: self._value(one, number)
            for one, number, before in zip(self.features, point.tolist(), start.tolist(), strict=True)
            if number != before and not (number != number and before != before)
        }
        return {**row, **changed}

    def project(self, points: Floats, start: Floats) -> Floats:
        """Return the points moved onto what may change from `start` (both (n, features)): immutable columns stay, one
        way streets go one way, ranges and whole numbers hold, one-hot groups move whole. Rounding goes towards start,
        so that it never makes a change larger."""
        made = start.copy()
        for block in self.blocks:
            columns = list(block.columns)
            taken = points[:, columns]
            if len(columns) > 1:
                made[:, columns] = np.where(self._whole_group(taken)[:, None], taken, start[:, columns])
            else:
                made[:, columns[0]] = self._one(columns[0], taken[:, 0], start[:, columns[0]])
        return made

    def cost(self, points: Floats, start: Floats) -> Floats:
        """Return the cost of each row's change."""
        return np.asarray(sum((self.block_cost(b, points, start) for b in self.blocks), np.zeros(len(points))))

    def block_cost(self, block: Block, points: Floats, start: Floats) -> Floats:
        """Return what the change of one block costs, per row."""
        columns = list(block.columns)
        price = max(self.features[column].cost for column in columns)
        if block.switches or len(columns) > 1:
            one, other = points[:, columns], start[:, columns]
            differs = ((one != other) & ~(np.isnan(one) & np.isnan(other))).any(axis=1)
            return np.asarray(price * differs, dtype=np.float64)
        moved = np.abs(points[:, columns[0]] - start[:, columns[0]])
        return np.asarray(price * np.nan_to_num(moved, nan=0.0) / self._spread[columns[0]])

    def holds(self, rows: Sequence[Row]) -> Bools:
        """Return which rows keep every relation; a relation that cannot be told is not kept."""
        return np.array([all(relation(row) is True for relation in self.relations) for row in rows], dtype=bool)

    def valid(self, before: Row, after: Row) -> bool:
        """True when `after` is a record that could exist and that `before` may become. Reads the declarations only."""
        for one in self.features:
            old, new = before.get(one.name), after.get(one.name)
            if old != new and not _may_become(one, old, new):
                return False
        for group in sorted({one.group for one in self.features if one.group}):
            members = [one.name for one in self.features if one.group == group]
            if any(before.get(name) != after.get(name) for name in members) and _ones(after, members) != 1:
                return False
        return all(relation(after) is True for relation in self.relations)

    def _cell(self, feature: Feature, value: Value) -> float:
        if feature.type == CATEGORY:
            text = as_category(value)
            return float("nan") if text is None else float(self._codes[feature.name].get(text, -1))
        number = None if feature.type == TEXT else as_number(value)
        return float("nan") if number is None else number

    def _value(self, feature: Feature, number: float) -> Value:
        if feature.type == CATEGORY:
            return self._texts[feature.name][int(number)]
        return int(number) if feature.type in ("int", "bool") else number

    def _one(self, column: int, taken: Floats, start: Floats) -> Floats:
        feature = self.features[column]
        if feature.type == CATEGORY:
            return np.where(np.isnan(taken) | np.isnan(start) | (taken < 0), start, taken)
        moved = np.clip(taken, self._low[column], self._high[column])
        if self._whole[column]:
            moved = np.where(moved > start, np.floor(moved), np.ceil(moved))
        if feature.mutable == "increase":
            moved = np.maximum(moved, start)
        if feature.mutable == "decrease":
            moved = np.minimum(moved, start)
        # Clipping may carry a row that starts outside its range to the edge: a change nobody asked for.
        stays = np.isnan(taken) | np.isnan(start) | (np.abs(moved - start) > np.abs(taken - start))
        within = (moved >= self._low[column]) & (moved <= self._high[column])
        return np.where(stays | ~within, start, moved)

    @staticmethod
    def _whole_group(taken: Floats) -> Bools:
        return np.asarray((np.isin(taken, (0.0, 1.0))).all(axis=1) & (taken.sum(axis=1) == 1.0))


def _codes(feature: Feature, reference: Sequence[Row]) -> dict[str, int]:
    seen = {text for row in reference if (text := as_category(row.get(feature.name))) is not None}
    return {text: code for code, text in enumerate(sorted(seen))}


def _blocks(features: Sequence[Feature]) -> tuple[Block, ...]:
    """The blocks that may change; a group with one immutable member may not."""
    made = [
        Block(one.name, (at,), one.type in (CATEGORY, "bool"))
        for at, one in enumerate(features)
        if one.group is None and one.mutable != "no" and one.type != TEXT
    ]
    for group in sorted({one.group for one in features if one.group}):
        columns = tuple(at for at, one in enumerate(features) if one.group == group)
        if all(features[at].mutable == "yes" for at in columns):
            made.append(Block(group, columns, True))
    return tuple(made)


def _spreads(features: Sequence[Feature], table: Floats) -> Floats:
    """Median absolute deviation per number; where more than half the rows agree the standard deviation, else 1."""
    spreads = np.ones(len(features))
    for at, one in enumerate(features):
        column = table[:, at][~np.isnan(table[:, at])] if len(table) else np.empty(0)
        if one.type in (CATEGORY, TEXT) or column.size == 0:
            continue
        spreads[at] = float(np.median(np.abs(column - np.median(column)))) or float(column.std()) or 1.0
    return spreads


def _may_become(feature: Feature, old: Value, new: Value) -> bool:
    if feature.mutable == "no" or feature.type == TEXT or new is None:
        return False
    if feature.type == CATEGORY:
        return old is not None and isinstance(new, str)
    before, after = as_number(old), as_number(new)
    if before is None or after is None:
        return False
    if (feature.mutable == "increase" and after < before) or (feature.mutable == "decrease" and after > before):
        return False
    if feature.type in ("int", "bool") and (not isinstance(new, int) or (feature.type == "bool" and new not in (0, 1))):
        return False
    return (feature.min is None or after >= feature.min) and (feature.max is None or after <= feature.max)


def _ones(row: Row, members: Sequence[str]) -> int:
    """How many members are 1, or -1 when one of them is neither 0 nor 1."""
    values = [row.get(name) for name in members]
    return sum(value == 1 for value in values) if all(value in (0, 1) for value in values) else -1
