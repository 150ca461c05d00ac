"""How cheaply can somebody change their own record so that the model's class flips.

In: held-out rows that the model gets right, donor rows with the other predicted class. Out: feasible_flip_rate = the
share of rows with a valid flip at cost <= `at_cost`, with bounds; median cost, fields changed, queries, and the five
cheapest record diffs. Nothing outside `feasible.Space` is ever asked or reported.

Nearest-neighbour attack, all rows in lock step, so that a batch costs one call: the k nearest donors, projected -> the
cheapest one that flips -> bisection of the line to it -> each changed field put back where the flip survives -> each
remaining number bisected towards its old value -> fields once more. It optimises few fields and low cost, and finds at
least what a decision-boundary walk of fifty times the queries finds on tree ensembles.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from shipworthy.evaluate.answered import Answered, answer
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.examples import MOST, example
from shipworthy.evaluate.feasible import Block, Bools, Floats, Ints, Space
from shipworthy.evaluate.measure import nothing, rate
from shipworthy.evaluate.oracle import judge_number, judge_rate
from shipworthy.evaluate.parameters import case_rows, parameters, sampled
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, Example
from shipworthy.profile.rows import Row

_LINE_STEPS = 8
_FIELD_STEPS = 6
_CONFIRM = 2  # a flip counts only if it holds each time it is asked again: one lucky answer of a noisy model does not


class Attack:
    """The state of one attack on a batch of rows: where each stands, whether it flips, and what it has spent."""

    def __init__(self, bench: Bench, space: Space, rows: Sequence[Row], scores: Sequence[float], budget: int) -> None:
        self.bench, self.space, self.rows, self.budget = bench, space, list(rows), budget
        self.start = space.encode(rows)
        self.high = np.array([score >= 0.5 for score in scores], dtype=bool)
        self.best = self.start.copy()
        self.cost = np.full(len(self.rows), np.inf)
        self.spent = np.zeros(len(self.rows), dtype=np.int64)

    def flips(self, at: Ints, points: Floats) -> Bools:
        """Return which projected points flip the class of rows `at` (rows may repeat). Rows out of budget, unchanged
        points and points that break a relation are not asked."""
        found = np.zeros(len(at), dtype=bool)
        places = np.flatnonzero((self.space.cost(points, self.start[at]) > 0) & self._affordable(at))
        made = [self.space.decode(points[i], self.start[at[i]], self.rows[at[i]]) for i in places]
        holds = self.space.holds(made)
        places = places[holds]
        np.add.at(self.spent, at[places], 1)
        scores, _ = self.bench.ask([row for row, kept in zip(made, holds, strict=True) if kept])
        for place, score in zip(places, scores, strict=True):
            found[place] = score is not None and (score >= 0.5) != self.high[at[place]]
        return found

    def accept(self, at: Ints, points: Floats) -> None:
        """Take the points as the best found for rows `at`, where they are cheaper than what was found before."""
        costs = self.space.cost(points, self.start[at])
        for row, point, cost in zip(at.tolist(), points, costs.tolist(), strict=True):
            if cost < self.cost[row]:
                self.best[row], self.cost[row] = point, cost

    def drop(self, rows: Ints) -> None:
        """Forget what was found for these rows."""
        self.cost[rows] = np.inf

    def found(self) -> Ints:
        """Return the rows that flip so far."""
        return np.flatnonzero(np.isfinite(self.cost))

    def _affordable(self, at: Ints) -> Bools:
        """Of several points of one row in a batch only as many as it can still pay for."""
        left = (self.budget - self.spent).astype(np.int64)
        open_ = np.zeros(len(at), dtype=bool)
        for place, row in enumerate(at):
            open_[place] = left[row] > 0
            left[row] -= 1
        return open_


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement feasible_flip_rate with its parts. Raises ContractError and ExprError."""
    given = parameters(case)
    relations = (*bench.relations, *(compile_expr(str(text)) for text in given["relations"]))
    donors = bench.rows(given["donors"] or (bench.train if bench.train in bench.datasets else bench.held_out))
    space = Space(bench.features, relations, sampled(donors, given["max_donors"], seed))
    ask = Ask(indicator="feasible_flip_rate", segment=case.segment, level=case.oracle.level)
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, "true", None, seed)
    right = _right(bench, space, rows, given["n"], seed)
    if not right or not space.blocks:
        why = "no feature is mutable" if right else "no valid row that the model gets right"
        return CaseShown(
            result=judge_number(case, None, None, None, 0, seed, f"; {why}"), measurements=(nothing(ask, why),)
        )
    scores = [one.score for one in right if one.score is not None]
    attack = Attack(bench, space, [one.row for one in right], scores, given["max_queries"] - _CONFIRM)
    run(attack, sampled(donors, given["max_donors"], seed), given["k"])
    return _shown(case, ask, attack, given["at_cost"], seed)


def run(attack: Attack, donors: Sequence[Row], k: int) -> None:
    """Attack every row: nearest donors, line, fields, numbers, fields; then confirm what was found."""
    _nearest(attack, donors, k)
    _line(attack)
    _put_back(attack)
    _bisect_numbers(attack)
    _put_back(attack)
    attack.budget += _CONFIRM
    for _ in range(_CONFIRM):
        at = attack.found()
        attack.drop(at[~attack.flips(at, attack.best[at])])
    for row in attack.found():
        after = attack.space.decode(attack.best[row], attack.start[row], attack.rows[row])
        if not attack.space.valid(attack.rows[row], after):
            attack.drop(np.array([row]))


def _right(bench: Bench, space: Space, rows: Sequence[Row], n: int, seed: int) -> list[Answered]:
    """At most `n` rows that the model gets right and that keep every relation themselves."""
    order = np.random.default_rng(seed).permutation(len(rows))[: 4 * n]
    seen = answer(bench, [rows[place] for place in np.sort(order)])
    fit = [one for one in seen if one.score is not None and one.label is not None]
    right = [one for one in fit if one.score is not None and (one.score >= 0.5) == (one.label == 1)]
    return [one for one, holds in zip(right, space.holds([one.row for one in right]), strict=True) if holds][:n]


def _nearest(attack: Attack, donors: Sequence[Row], k: int) -> None:
    """Ask the k cheapest projected donors of the other class; the first that flips, by cost, is kept."""
    table = attack.space.encode(donors)
    scores, _ = attack.bench.ask(donors)
    high = np.array([score is not None and score >= 0.5 for score in scores], dtype=bool)
    known = np.array([score is not None for score in scores], dtype=bool)
    at: list[int] = []
    points: list[Floats] = []
    for row in range(len(attack.rows)):
        others = table[known & (high != attack.high[row])]
        start = np.repeat(attack.start[row : row + 1], len(others), axis=0)
        moved = np.unique(attack.space.project(others, start), axis=0) if len(others) else others
        cost = attack.space.cost(moved, start[: len(moved)])
        order = [place for place in np.argsort(cost, kind="stable") if cost[place] > 0][:k]
        at += [row] * len(order)
        points += [moved[place] for place in order]
    if at:
        rows, tried = np.array(at), np.array(points)
        found = attack.flips(rows, tried)
        attack.accept(rows[found], tried[found])


def _line(attack: Attack) -> None:
    """Bisect the line from each row to its flip; what switches, switches past the middle."""
    at = attack.found()
    far, near = np.ones(len(at)), np.zeros(len(at))
    goal = attack.best[at].copy()
    for _ in range(_LINE_STEPS):
        middle = 0.5 * (far + near)
        points = attack.space.project(_between(attack, at, goal, middle), attack.start[at])
        found = attack.flips(at, points)
        attack.accept(at[found], points[found])
        far, near = np.where(found, middle, far), np.where(found, near, middle)


def _between(attack: Attack, at: Ints, goal: Floats, share: Floats) -> Floats:
    start = attack.start[at]
    points = start + share[:, None] * (goal - start)
    for block in attack.space.blocks:
        if block.switches:
            columns = list(block.columns)
            points[:, columns] = np.where(share[:, None] >= 0.5, goal[:, columns], start[:, columns])
    return points


def _put_back(attack: Attack) -> None:
    """Put changed fields back one by one, dearest first, where the row still flips without them."""
    at = attack.found()
    prices = [attack.space.block_cost(block, attack.best[at], attack.start[at]) for block in attack.space.blocks]
    order = np.argsort(-np.array(prices), axis=0, kind="stable") if len(at) else np.empty((0, 0), dtype=np.int64)
    for rank in range(len(order)):
        points = attack.best[at].copy()
        for place, row in enumerate(at):
            columns = list(attack.space.blocks[order[rank, place]].columns)
            points[place, columns] = attack.start[row, columns]
        found = attack.flips(at, points)
        attack.accept(at[found], points[found])


def _bisect_numbers(attack: Attack) -> None:
    """Move every changed number as far back as the flip survives."""
    for block in attack.space.blocks:
        if block.switches:
            continue
        column = block.columns[0]
        at = np.array(
            [row for row in attack.found() if attack.best[row, column] != attack.start[row, column]], dtype=int
        )
        far, near = attack.best[at, column].copy(), attack.start[at, column].copy()
        for _ in range(_FIELD_STEPS if len(at) else 0):
            points = attack.best[at].copy()
            points[:, column] = 0.5 * (far + near)
            points = attack.space.project(points, attack.start[at])
            tried = points[:, column]
            found = attack.flips(at, points)
            attack.accept(at[found], points[found])
            far, near = np.where(found, tried, far), np.where(found, near, 0.5 * (far + near))


def _shown(case: Case, ask: Ask, attack: Attack, at_cost: float, seed: int) -> CaseShown:
    hit, found = attack.cost <= at_cost, attack.found()
    n = len(hit)
    shown = judge_rate(case, int(hit.sum()), n, seed, "".join("1" if one else "0" for one in hit), _notes(attack))
    cheapest = found[np.argsort(attack.cost[found], kind="stable")][:MOST]
    method = f"nearest flip at cost <= {at_cost:g}, at most {attack.budget} queries a row; Clopper-Pearson"
    return CaseShown(
        result=msgspec.structs.replace(
            shown, worst=tuple(_diff(attack, int(row)) for row in cheapest), most_queries=int(attack.spent.max())
        ),
        measurements=(
            rate(ask, int(hit.sum()), n, method),
            rate(ask, len(found), n, "valid flips at any cost; Clopper-Pearson", part="any cost"),
        ),
    )


def _notes(attack: Attack) -> str:
    found = attack.found()
    told = f"; {len(found)} valid flips at any cost, mean queries a row {attack.spent.mean():.0f}"
    if not len(found):
        return told
    fields = np.sum([_changed(attack, block)[found] for block in attack.space.blocks], axis=0)
    return f"{told}, median cost {np.median(attack.cost[found]):.3g}, median fields changed {np.median(fields):g}"


def _changed(attack: Attack, block: Block) -> Bools:
    return np.asarray(attack.space.block_cost(block, attack.best, attack.start) > 0)


def _diff(attack: Attack, row: int) -> Example:
    before = attack.rows[row]
    after = attack.space.decode(attack.best[row], attack.start[row], before)
    return example(f"cost {attack.cost[row]:.3g}", row, before, after)
