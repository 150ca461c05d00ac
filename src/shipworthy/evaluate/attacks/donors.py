"""Real rows of the other class: where an attack on tabular data starts, because random points there flip nothing.

In: donor rows. Out: per row under attack projected donors of the class it does not have, near ones and some further
away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shipworthy.evaluate.attacks.attack import Attack, Target
from shipworthy.evaluate.attacks.columns import Floats, Ints
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.feasible import Space
from shipworthy.profile.rows import Row

_FAR = 2  # one of so many donors comes from further away: where changes allowed move little, near ones flip nothing
_MORE = 4  # projection makes donors alike: so many times the donors asked for are looked at


class Donors:
    """Donor rows as numbers, by the class the model gives them (asked once); `of[True]` are those of the high class."""

    def __init__(self, bench: Bench, space: Space, rows: Sequence[Row]) -> None:
        table = space.encode(rows)
        told, _ = bench.ask(rows)
        scores = np.array(told, dtype=np.float64)
        columns = [column for block in space.blocks for column in block.columns]
        self.asked = len(rows)
        self.of = {True: _distinct(table[scores >= 0.5], columns), False: _distinct(table[scores < 0.5], columns)}

    def nearest(self, target: Target, k: int) -> tuple[Ints, Floats]:
        """Return (rows, points): for each row at most `k` donors, projected, cheapest first: half of them the cheapest
        there are, half from all the way to the dearest."""
        at: list[Ints] = []
        points: list[Floats] = []
        for row in range(len(target.rows)):
            made = self._nearest(target, row, k)
            at.append(np.full(len(made), row, dtype=np.int64))
            points.append(made)
        width = target.start.shape[1]
        return np.concatenate([*at, np.empty(0, dtype=np.int64)]), np.concatenate([*points, np.empty((0, width))])

    def _nearest(self, target: Target, row: int, k: int) -> Floats:
        others = self.of[not target.high[row]]
        start = np.broadcast_to(target.start[row], others.shape)
        moved = target.space.project(others, start)
        cost = target.space.cost(moved, start)
        near = np.argsort(cost, kind="stable")
        near = near[cost[near] > 0]
        _, first = np.unique(moved[near[: _MORE * k]], axis=0, return_index=True)
        closest = near[np.sort(first)][: max(k - k // _FAR, 1)]
        ranks = np.unique(np.geomspace(len(closest) + 1, max(len(near), 1), k // _FAR).astype(np.int64)) - 1
        return np.asarray(moved[np.concatenate([closest, near[ranks[ranks < len(near)]]])])


def starts(attack: Attack, donors: Donors, k: int) -> tuple[Ints, Floats]:
    """Ask at most `k` donors of each row and return those that flip, as (rows, points), cheapest first. At most half of
    the budget goes here."""
    at, points = donors.nearest(attack.target, max(min(k, int(attack.left.max(initial=0)) // 2), 1))
    seen = attack.ask(at, points)
    return at[seen.flips], seen.points[seen.flips]


def _distinct(table: Floats, columns: Sequence[int]) -> Floats:
    """One row for each way the columns that may change are filled, in the order in which they come."""
    _, first = np.unique(table[:, columns], axis=0, return_index=True)
    return np.asarray(table[np.sort(first)])
