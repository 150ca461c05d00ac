"""What a change costs, per row: as somebody pays for it, or as a distance.

In: points and where they started, both (n, features). Out: a cost per row, and per block of features that change as
one. `mad_l1`: per changed number |difference| / median absolute deviation of the reference, per changed category or
one-hot group 1, summed. `l2` and `linf`: differences over the declared range of the feature (over the reference's where
none is declared), a changed category or group 1, as a Euclidean length or the largest of them. Each is multiplied by
the declared `cost` of the feature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.attacks.columns import Block, Bools, Floats, Ints
from shipworthy.profile.rows import CATEGORY

MAD_L1 = "mad_l1"
L2 = "l2"
LINF = "linf"


class Price:
    """One way to count. `unit`: per column, the change of a number that costs 1."""

    def __init__(self, kind: str, features: Sequence[Feature], blocks: Sequence[Block], reference: Floats) -> None:
        if kind not in (MAD_L1, L2, LINF):
            raise ContractError(f"no cost {kind!r}", "evaluate", f"one of {MAD_L1}, {L2}")
        self.kind = kind
        scale = _spreads(features, reference) if kind == MAD_L1 else ranges(features, reference)
        weight = np.array([one.cost for one in features], dtype=np.float64)
        self._switches = np.zeros(len(features), dtype=bool)
        for block in blocks:
            columns = list(block.columns)
            weight[columns] = weight[columns].max()
            self._switches[columns] = block.switches
        self._weight = weight
        self.unit = scale / np.where(weight > 0, weight, 1e-9)
        self._blocks = tuple(blocks)
        self._first: Ints = np.array([block.columns[0] for block in blocks], dtype=np.int64)
        self._wide = [(at, list(block.columns)) for at, block in enumerate(blocks) if len(block.columns) > 1]

    def of(self, points: Floats, start: Floats) -> Floats:
        """Return the cost of each row's change."""
        return self.total(self.by_block(points, start))

    def by_block(self, points: Floats, start: Floats) -> Floats:
        """Return what the change of each block costs, (n, blocks)."""
        each: Floats = np.abs(points - start) / self.unit
        each[np.isnan(each)] = 0.0
        if self._switches.any():
            each = np.where(self._switches, self._weight * differs(points, start), each)
        made: Floats = each[:, self._first]
        for at, columns in self._wide:
            made[:, at] = each[:, columns].max(axis=1)
        return made

    def total(self, parts: Floats) -> Floats:
        """Return the cost of a change from the costs of its blocks."""
        if parts.shape[1] == 0:
            return np.zeros(len(parts))
        if self.kind == LINF:
            return np.asarray(parts.max(axis=1))
        return np.asarray(parts.sum(axis=1) if self.kind == MAD_L1 else np.sqrt((parts**2).sum(axis=1)))


def differs(points: Floats, start: Floats) -> Bools:
    """Return which cells changed; an empty cell that stays empty did not."""
    return np.asarray((points != start) & ~(np.isnan(points) & np.isnan(start)))


def ranges(features: Sequence[Feature], reference: Floats) -> Floats:
    """Return per column the declared range, the reference's where none is declared, 1 where there is none at all."""
    made = np.ones(len(features))
    for at, one in enumerate(features):
        column = _known(reference, at)
        if one.min is not None and one.max is not None and one.max > one.min:
            made[at] = one.max - one.min
        elif one.type != CATEGORY and column.size:
            made[at] = float(column.max() - column.min()) or 1.0
    return made


def _spreads(features: Sequence[Feature], reference: Floats) -> Floats:
    """Median absolute deviation per number; where more than half the rows agree the standard deviation, else 1."""
    spreads = np.ones(len(features))
    for at, one in enumerate(features):
        column = _known(reference, at)
        if one.type == CATEGORY or column.size == 0:
            continue
        spreads[at] = float(np.median(np.abs(column - np.median(column)))) or float(column.std()) or 1.0
    return spreads


def _known(reference: Floats, column: int) -> Floats:
    if not len(reference):
        return np.empty(0)
    cells: Floats = reference[:, column]
    return cells[~np.isnan(cells)]
