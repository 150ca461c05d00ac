"""One attack on a batch of rows: what is fixed about them, where each stands, and the one way to ask the model.

In: rows, a space, a model. Out: per row the cheapest valid change found that flips the class. Whatever an attack
proposes is projected onto the feasible set before it is asked, and each row's questions are counted against its budget,
so that no attack can go outside or spend more. What flips is remembered at once: an attack that walks on, or ends
early, loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.errors import ContractError
from shipworthy.evaluate.attacks.columns import Bools, Floats, Ints
from shipworthy.evaluate.attacks.price import differs
from shipworthy.evaluate.attacks.relations import Relations
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.feasible import Space
from shipworthy.profile.rows import Row

CONFIRM = 2  # a flip counts only if it holds each time it is asked again: one lucky answer of a noisy model does not
_RESERVE = 2 * CONFIRM  # the cheapest flip, and where it does not hold the first one
_SHARES = (0.5, 0.0)  # how much is left of a change that breaks a relation


@dataclass(frozen=True)
class Seen:
    """The answers to a batch of points: the points as they were asked, what they cost, whether the class flipped, the
    score (NaN where there is none). What was not asked (no change, no budget, a relation broken) has not flipped and
    has no score."""

    points: Floats
    costs: Floats
    flips: Bools
    scores: Floats


class Target:
    """What all attacks on the same rows share."""

    def __init__(self, bench: Bench, space: Space, rows: Sequence[Row], scores: Sequence[float]) -> None:
        self.bench, self.space, self.rows = bench, space, list(rows)
        self.start = space.encode(self.rows)
        self.high = np.array([score >= 0.5 for score in scores], dtype=bool)
        self.scores = np.array(scores, dtype=np.float64)
        self._base = space.coding.cells(self.rows)
        self._relations = Relations(space.relations, space.features, space.blocks, self.rows)

    def settle(self, at: Ints, points: Floats) -> tuple[Floats, Bools]:
        """Return the points as rows `at` could really become: projected, and moved back where a relation breaks; and
        which of them keep every relation even so."""
        start = self.start[at]
        made = self.space.project(points, start)
        if not self._relations.touched:
            return made, self._relations.kept_before[at]
        kept = self.kept(at, made)
        for share in _SHARES:
            broken = np.flatnonzero(~kept)
            made[broken] = self._moved_back(start[broken], made[broken], share)
            kept[broken] = self.kept(at[broken], made[broken])
        return made, kept

    def _moved_back(self, start: Floats, points: Floats, share: float) -> Floats:
        """The points with that share of the change in every column that a relation speaks of."""
        columns = self._relations.touched
        made = points.copy()
        made[:, columns] = self.space.between(start, points, np.full(len(points), share))[:, columns]
        return self.space.project(made, start)

    def kept(self, at: Ints, points: Floats) -> Bools:
        """Return which points keep every relation."""
        changed = differs(points, self.start[at])
        return self._relations.kept(at, self.space.coding.values(points, changed, self._base[at]), changed)

    def scored(self, at: Ints, points: Floats) -> Floats:
        """Return the model's scores, NaN where it gave none. Raises ContractError unless there is one answer a row."""
        if not len(at):
            return np.empty(0)
        values = self.space.coding.values(points, differs(points, self.start[at]), self._base[at])
        told = self.bench.model(values.tolist()).scores
        if len(told) != len(at):
            raise ContractError(f"{len(told)} answers to {len(at)} rows", "model", "answer every row once")
        scores = np.array(told, dtype=np.float64)
        return np.where((scores >= 0.0) & (scores <= 1.0), scores, np.nan)


class Attack:
    """The state of one attack: the cheapest flip of each row so far, its cost, and the queries it has spent."""

    def __init__(self, target: Target, budget: int | Ints) -> None:
        self.target, self.space, self.start = target, target.space, target.start
        n = len(target.rows)
        self.left: Ints = np.maximum(np.full(n, budget) - _RESERVE, 0)
        self.best = self.start.copy()
        self.cost = np.full(n, np.inf)
        self.spent = np.zeros(n, dtype=np.int64)
        self._first, self._first_cost = self.best.copy(), self.cost.copy()

    def ask(self, at: Ints, points: Floats) -> Seen:
        """Ask the model about points for rows `at` (rows may repeat), as they could really be. Rows out of budget,
        unchanged points and points that break a relation are not asked."""
        made, kept = self.target.settle(at, points)
        places = np.flatnonzero(kept & differs(made, self.start[at]).any(axis=1))
        places = places[self._pays(at[places])]
        np.add.at(self.spent, at[places], 1)
        np.subtract.at(self.left, at[places], 1)
        scores = np.full(len(at), np.nan)
        scores[places] = self.target.scored(at[places], made[places])
        flips = ~np.isnan(scores) & ((scores >= 0.5) != self.target.high[at])
        costs = self.space.cost(made, self.start[at])
        self._accept(at[flips], made[flips], costs[flips])
        return Seen(made, costs, flips, scores)

    def found(self) -> Ints:
        """Return the rows that flip so far."""
        return np.flatnonzero(np.isfinite(self.cost))

    def confirm(self) -> None:
        """Ask every flip again, twice, and forget those that do not hold: then the first flip of that row, further
        away, may hold where the cheapest did not. Then forget what is no valid record, though none is ever asked."""
        lost = self._lost(self.found())
        self.best[lost], self.cost[lost] = self._first[lost], self._first_cost[lost]
        self.cost[self._lost(lost)] = np.inf
        for row in self.found():
            after = self.space.decode(self.best[row], self.start[row], self.target.rows[row])
            if not self.space.valid(self.target.rows[row], after):
                self.cost[row] = np.inf

    def _lost(self, at: Ints) -> Ints:
        """Those of the rows whose flip does not hold each time."""
        held = np.ones(len(at), dtype=bool)
        for _ in range(CONFIRM):
            held[held] = self._again(at[held])
        return at[~held]

    def _again(self, at: Ints) -> Bools:
        """Ask the best of each row once more; what was reserved pays for it."""
        self.spent[at] += 1
        scores = self.target.scored(at, self.best[at])
        return np.asarray(~np.isnan(scores) & ((scores >= 0.5) != self.target.high[at]))

    def _accept(self, at: Ints, points: Floats, costs: Floats) -> None:
        """Take the cheapest new point of each row where it is cheaper than what was found before."""
        order = np.lexsort((costs, at))
        rows, first = np.unique(at[order], return_index=True)
        places = order[first]
        better = costs[places] < self.cost[rows]
        rows, places = rows[better], places[better]
        new = ~np.isfinite(self.cost[rows])
        self._first[rows[new]], self._first_cost[rows[new]] = points[places[new]], costs[places[new]]
        self.best[rows], self.cost[rows] = points[places], costs[places]

    def _pays(self, at: Ints) -> Bools:
        """Of several points of one row in a batch only as many as it can still pay for, the first ones."""
        if np.all(at[1:] > at[:-1]):
            return np.asarray(self.left[at] > 0)
        order = np.argsort(at, kind="stable")
        rows = at[order]
        first = np.searchsorted(rows, rows, side="left")
        paid = np.empty(len(at), dtype=bool)
        paid[order] = np.arange(len(at)) - first < self.left[rows]
        return paid
