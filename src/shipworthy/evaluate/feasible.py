"""Which changes of a row somebody could really make.

In: declared features (mutable, range, type, one-hot group), relations, reference rows. Out: a projection of any point
onto the changes allowed from a given row, and a validity check that does not share its code. An attack that leaves this
space proves nothing: on tabular data unconstrained attacks succeed on every row with records that cannot exist.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.attacks.columns import Block, Bools, Coding, Floats, blocks_of
from shipworthy.evaluate.attacks.price import MAD_L1, Price
from shipworthy.expr import Expression
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, LARGEST, Row, Value, as_number

_EXACT = 2.0**53  # beyond it not every whole number is a float
__all__ = ["Block", "Bools", "Floats", "Space"]


class Space:
    """The changes that may be made to rows of one model, and what they cost."""

    def __init__(
        self,
        features: Sequence[Feature],
        relations: Sequence[Expression],
        reference: Sequence[Row],
        cost: str = MAD_L1,
    ) -> None:
        self.features = tuple(features)
        self.relations = tuple(relations)
        self.coding = Coding(features, reference)
        self.blocks = blocks_of(self.features)
        self.table = self.coding.encode(reference)
        self.price = Price(cost, self.features, self.blocks, self.table)
        self._groups = [list(block.columns) for block in self.blocks if features[block.columns[0]].group is not None]
        self.members: Bools = np.zeros((len(self.blocks), len(features)), dtype=bool)  # which columns a block has
        for at, block in enumerate(self.blocks):
            self.members[at, list(block.columns)] = True
        self._free: Bools = np.asarray(self.members.any(axis=0))
        self._low, self._high = _limits(self.features, self.coding)
        self._whole = [at for at, one in enumerate(features) if one.type != "float" and self._free[at]]
        self._category = np.array([one.type == CATEGORY for one in features], dtype=bool)
        self._rises = np.array([one.mutable == "increase" for one in features], dtype=bool)
        self._falls = np.array([one.mutable == "decrease" for one in features], dtype=bool)
        self.numbers = self._number_columns()
        self.switches = tuple(block for block in self.blocks if block.switches)

    def encode(self, rows: Sequence[Row]) -> Floats:
        """Return the rows as an (n, features) matrix."""
        return self.coding.encode(rows)

    def decode(self, point: Floats, start: Floats, row: Row) -> dict[str, Value]:
        """Return `row` (encoded: `start`) with the features of `point`; other columns and unchanged cells stay."""
        return self.coding.decode(point, start, row)

    def cost(self, points: Floats, start: Floats) -> Floats:
        """Return the cost of each row's change."""
        return self.price.of(points, start)

    def project(self, points: Floats, start: Floats) -> Floats:
        """Return the points moved onto what may change from `start` (both (n, features)): immutable columns stay, one
        way streets go one way, ranges and whole numbers hold, one-hot groups move whole. Rounding goes towards start,
        so that it never makes a change larger."""
        moved = np.clip(points, self._low, self._high)
        for column in self._whole:
            way = moved[:, column]
            moved[:, column] = np.where(way > start[:, column], np.floor(way), np.ceil(way))
        moved[:, self._rises] = np.maximum(moved[:, self._rises], start[:, self._rises])
        moved[:, self._falls] = np.minimum(moved[:, self._falls], start[:, self._falls])
        with np.errstate(invalid="ignore", over="ignore"):
            # Clipping may carry a row that starts outside its range to the edge: a change nobody asked for.
            far = np.abs(moved - start) > np.abs(points - start)
        inside = (moved >= self._low) & (moved <= self._high) & (np.abs(moved) < LARGEST)
        goes = self._free & inside & ~far & ~(self._category & (moved != points))
        made: Floats = np.where(goes & ~np.isnan(start), moved, start)
        for columns in self._groups:
            whole = _whole_group(points[:, columns]) & ~np.isnan(start[:, columns]).any(axis=1)
            whole &= (inside[:, columns] & (moved[:, columns] == points[:, columns])).all(axis=1)
            made[:, columns] = np.where(whole[:, None], points[:, columns], start[:, columns])
        return made

    def between(self, start: Floats, goal: Floats, share: Floats) -> Floats:
        """Return the points at `share` (n,) of the line from start to goal; what switches, switches past the middle."""
        points = start + share[:, None] * (goal - start)
        for block in self.switches:
            columns = list(block.columns)
            points[:, columns] = np.where(share[:, None] >= 0.5, goal[:, columns], start[:, columns])
        return np.asarray(np.where(np.isnan(goal), start, points))

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

    def _number_columns(self) -> tuple[int, ...]:
        return tuple(block.columns[0] for block in self.blocks if not block.switches)


def _limits(features: Sequence[Feature], coding: Coding) -> tuple[Floats, Floats]:
    """The declared range; 0 and 1 for what is true or false, the known codes for a category."""
    low, high = np.full(len(features), -np.inf), np.full(len(features), np.inf)
    for at, one in enumerate(features):
        if one.type == "bool":
            low[at], high[at] = 0.0, 1.0
        if one.type == CATEGORY:
            low[at], high[at] = 0.0, coding.categories(at) - 1.0
            continue
        if one.type == "int":
            low[at], high[at] = -_EXACT, _EXACT
        low[at] = low[at] if one.min is None else max(low[at], one.min)
        high[at] = high[at] if one.max is None else min(high[at], one.max)
    return low, high


def _whole_group(taken: Floats) -> Bools:
    return np.asarray((np.isin(taken, (0.0, 1.0))).all(axis=1) & (taken.sum(axis=1) == 1.0))


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
