"""Does a single column give the label away: a code that is filled in after the outcome, a sum that is paid if it is 1.

In: labelled rows; the features, and with `columns:` further columns. Out: leaking_columns = how many columns alone
explain the label, AUROC with a lower bound above `most` (DeLong; Bonferroni over the columns). Each column is read
three ways: its numbers upwards, downwards, and as the mean label of its bins or categories learnt on other folds, so
that neither an order, nor an empty cell, nor a code escapes, and a column of names without meaning does not shine.

A column whose bounds lie on both sides of `most` leaves the case inconclusive. A copy of the label with one in two
thousand wrong, added as a column, must be found first. Blind to two columns that only together give the label away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.poison.shown import shown, silent
from shipworthy.evaluate.poison.surrogate import folds
from shipworthy.evaluate.poison.table import Floats, Ints, Table, labelled, table_of
from shipworthy.evaluate.poison.units import units_in
from shipworthy.facts import Case, Example
from shipworthy.profile.rows import Row
from shipworthy.stats.auc import auroc_bounds

SMOOTHING = 5.0
BINS = 64
CANARY_WRONG = 2000
CANARY = "planted-canary"
BLIND = "two columns that only together give the label away"


@dataclass(frozen=True)
class Explains:
    """How well one column alone explains the label."""

    column: str
    area: float
    lower: float
    upper: float

    @property
    def told(self) -> str:
        """Return it in words."""
        return f"{self.column} alone explains the label: AUROC {self.area:.4f} [{self.lower:.4f}, {self.upper:.4f}]"


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError on rows nobody loaded and on a column that no row has."""
    given = parameters(case)
    rows, labels = labelled(bench, case_rows(bench, case, given["dataset"] or bench.train, "true", None, seed))
    if len(rows) == 0 or not 0.0 < labels.mean() < 1.0:
        return silent(case, f"{len(rows)} rows with labels, of one class at most", seed, indicator=None)
    features = (*bench.features, *_further(case, bench, rows, given["columns"]))
    table = table_of(features, rows)
    fold = folds(len(rows), units_in(bench, rows), seed)
    level = 1.0 - (1.0 - case.oracle.level) / (3.0 * len(features))
    seen = [explains(table, one.name, labels, fold, level) for one in features]
    most = float(given["most"])
    leaks = sorted((one for one in seen if one.lower > most), key=lambda one: -one.lower)
    worst = [Example(told=one.told) for one in leaks]
    canary = explains(_with_canary(table, labels, seed), CANARY, labels, fold, level)
    if not canary.lower > most:
        why = f"a copy of the label was not proven to give it away: {canary.told}"
        return silent(case, why, seed, worst, None)
    open_ = [one for one in seen if one.lower <= most < one.upper]
    if open_ and not leaks:
        why = f"between the bounds: {open_[0].told}, limit {most:g}"
        return silent(case, why, seed, [Example(told=one.told) for one in open_], None)
    top = max(seen, key=lambda one: one.area)
    method = f"{len(features)} columns, the most telling {top.column} with AUROC {top.area:.3f}, canary found first"
    return shown(case, worst, len(rows), seed, method, BLIND, None)


def explains(table: Table, column: str, labels: Floats, fold: Ints, level: float) -> Explains:
    """Return how well the column alone explains the labels, by the best of its readings."""
    readings = [_learnt(_codes(table, column), labels, fold)]
    if column in table.numbers:
        numbers = table.numbers[column]
        up = np.where(np.isnan(numbers), -np.inf, numbers)
        readings += [up, -up]
    told = [(*auroc_bounds(_ranks(one), labels, level),) for one in readings]
    area, lower, upper = max(told, key=lambda one: one[1])
    return Explains(column, area, lower, max(upper, max(one[2] for one in told)))


def _learnt(codes: Ints, labels: Floats, fold: Ints) -> Floats:
    """The smoothed mean label of each row's code in the other folds; an unknown code has the mean of all."""
    made = np.empty(len(labels))
    size = int(codes.max()) + 1
    for one in np.unique(fold):
        inside, outside = fold == one, fold != one
        base = float(labels[outside].mean()) if outside.any() else 0.5
        n = np.bincount(codes[outside], minlength=size)
        ones = np.bincount(codes[outside], weights=labels[outside], minlength=size)
        # Relative to the mean of these folds, which itself tells a little about the fold that is left out.
        made[inside] = ((ones + SMOOTHING * base) / (n + SMOOTHING) - base)[codes[inside]]
    return made


def _codes(table: Table, column: str) -> Ints:
    if column in table.categories:
        _, codes = np.unique(np.array(table.categories[column]), return_inverse=True)
        return codes.astype(np.int64)
    numbers = table.numbers[column]
    distinct, codes = np.unique(numbers, return_inverse=True, equal_nan=True)
    if distinct.size <= 4 * BINS:
        return codes.astype(np.int64)
    seen = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(seen, np.linspace(0.0, 1.0, BINS + 1)))
    binned = np.searchsorted(edges, numbers, side="right")
    return np.where(np.isnan(numbers), edges.size + 1, binned).astype(np.int64)


def _ranks(scores: Floats) -> Floats:
    """Places instead of values, so that infinities order like any number."""
    return np.unique(scores, return_inverse=True)[1].astype(np.float64)


def _with_canary(table: Table, labels: Floats, seed: int) -> Table:
    wrong = np.random.default_rng(seed).permutation(table.n)[: table.n // CANARY_WRONG]
    copy = labels.copy()
    copy[wrong] = 1.0 - copy[wrong]
    return Table(table.features, table.n, {**table.numbers, CANARY: copy}, table.categories, table.texts)


def _further(case: Case, bench: Bench, rows: Sequence[Row], names: Sequence[str]) -> tuple[Feature, ...]:
    """Columns that are no features, as numbers where every cell is one, else as categories."""
    known = {one.name for one in bench.features} | {bench.label}
    made: list[Feature] = []
    for name in dict.fromkeys(one for one in names if one not in known):
        cells = [row[name] for row in rows if row.get(name) not in (None, "")]
        if not cells:
            raise ContractError(f"no column {name!r}", f"case {case.id}", "name columns of the rows under `columns:`")
        number = all(isinstance(cell, int | float) for cell in cells)
        made.append(Feature(name=name, type="float" if number else "category"))
    return tuple(made)
