"""Who is flagged, who is in need, and how far two groups are apart in it.

In: scores, a share, a column that measures need and which end of it is the needy one. Out: flags per row, and pairs of
groups by one of four numbers:

* `need_recall_gap`: of the neediest, the share that is flagged (Newcombe);
* `flag_gap`: of all, the share that is flagged (Newcombe);
* `need_at_score_gap`: at equal score, the share that is among the neediest: the check of Obermeyer et al., Science 366
  (2019) 447-453, that a score means the same need in every group. Mantel-Haenszel over equal shares of the score;
* `flag_at_need_gap`: at equal need, the share that is flagged. Mantel-Haenszel over equal shares of the need measure.

Strata are ranges: within one, groups may still differ a little (five take away 90 % of a difference; Cochran 1968).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import Answered
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.by_group import Split
from shipworthy.evaluate.encoded import Floats
from shipworthy.evaluate.gap_pairs import rate_pairs
from shipworthy.evaluate.measure import clustering
from shipworthy.evaluate.worst_pair import Bounds, Pair
from shipworthy.profile.rows import as_number
from shipworthy.stats.group_rates import Flags
from shipworthy.stats.stratified import stratified_difference

DIRECTIONS = {"high": 1.0, "low": -1.0}
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Need:
    """One measure over rows that have it: more is needier, whichever end the column counts from; `most` = neediest."""

    column: str
    known: Ints
    amount: Floats
    most: Flags


def need_of(column: str, direction: str, rows: Sequence[Answered], share: float) -> Need:
    """Return the measure. All who tie with the last of the neediest are among them. Raises ContractError for a
    direction that is none, or a column that no row has."""
    if direction not in DIRECTIONS:
        raise ContractError(f"needs: {column}: {direction!r} is no direction", "needs", "write high or low")
    if rows and not any(column in one.row for one in rows):
        raise ContractError(f"no row has a column {column!r}", "needs", "name a column of the rows")
    cells = [as_number(one.row.get(column)) for one in rows]
    known = np.array([at for at, cell in enumerate(cells) if cell is not None], dtype=np.int64)
    amount = DIRECTIONS[direction] * np.array([cell for cell in cells if cell is not None], dtype=np.float64)
    if not known.size:
        return Need(column, known, amount, np.zeros(0, dtype=np.bool_))
    last = np.sort(amount)[-max(1, round(share * amount.size))]
    return Need(column, known, amount, amount >= last)


def top(scores: Floats, share: float, seed: int) -> Flags:
    """Return the `share` of rows with the highest scores; who ties at the edge is drawn by lot."""
    lot = np.random.default_rng(seed).permutation(scores.size)
    order = np.lexsort((lot, -scores))
    flagged = np.zeros(scores.size, dtype=np.bool_)
    flagged[order[: round(share * scores.size)]] = True
    return flagged


def need_pairs(
    metric: str,
    bench: Bench,
    rows: Sequence[Answered],
    split: Split,
    need: Need,
    flagged: Flags,
    scores: Floats,
    strata: int,
) -> list[Pair]:
    """Return the pairs of groups by the metric, over the rows whose need is known."""
    kept = [rows[at] for at in need.known]
    inside = Split(split.name, [split.of[at] for at in need.known])
    flags, all_rows = flagged[need.known], np.ones(need.known.size, dtype=np.bool_)
    if metric == "need_recall_gap":
        return rate_pairs(bench, kept, flags, need.most, inside, what=f"flagged of the neediest by {need.column}")
    if metric == "flag_gap":
        return rate_pairs(bench, kept, flags, all_rows, inside, what="flagged")
    if metric == "need_at_score_gap":
        told = f"neediest by {need.column} at equal score"
        return _stratified(bench, kept, need.most, inside, ranges(scores[need.known], strata), told)
    if metric == "flag_at_need_gap":
        told = f"flagged at equal {need.column}"
        return _stratified(bench, kept, flags, inside, ranges(need.amount, strata), told)
    raise ContractError(f"no metric {metric!r}", "target_audit", "one of need_recall_gap, need_at_score_gap, ...")


def ranges(values: Floats, many: int) -> Ints:
    """Return the range of each value, cut so that each holds about the same share of rows; ties stay together."""
    edges = np.unique(np.quantile(values, np.arange(1, many) / many))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _stratified(
    bench: Bench, rows: Sequence[Answered], hit: Flags, split: Split, strata: Ints, what: str
) -> list[Pair]:
    deff = clustering(bench, rows, hit.tolist())
    groups = np.array(split.of)
    many = int(strata.max()) + 1 if strata.size else 0
    counts = {
        str(name): (
            np.bincount(strata[(groups == name) & hit], minlength=many),
            np.bincount(strata[groups == name], minlength=many),
        )
        for name in np.unique(groups)
    }
    made = []
    for one, other in combinations(sorted(counts), 2):
        delta = stratified_difference(*counts[one], *counts[other])[0]
        high, low = (one, other) if delta >= 0.0 else (other, one)
        both = (counts[high][1] > 0) & (counts[low][1] > 0)
        least = int(min(counts[high][1][both].sum(), counts[low][1][both].sum()))
        bounds = cache(partial(_difference, counts[high], counts[low], deff))
        made.append(Pair(f"{split.name}: {high} - {low}, {what}", split.name, least, bounds))
    return made


def _difference(high: tuple[Ints, Ints], low: tuple[Ints, Ints], deff: float, level: float) -> Bounds:
    value, lo, hi = stratified_difference(*high, *low, level, deff)
    return value, max(0.0, lo), max(0.0, hi)
