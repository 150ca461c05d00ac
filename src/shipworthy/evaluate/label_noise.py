"""Are the labels right: how many rows disagree with what rows like them say.

In: the training rows; for `excess_label_noise` trusted rows too. Out: label_noise_rate (confident learning, an upper
estimate where the world is uncertain) or excess_label_noise (more wrong labels than the trusted rows have), with
bounds; rows of one unit share a fold and are not counted as independent. The rows shown are those that the others are
surest about. Before it may tell anything, a tenth of the labels of a copy are flipped: the estimate must rise by half
of what that adds. Blind to wrong labels that follow a rule which the features show: those look like the world.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.examples import MOST, example
from shipworthy.evaluate.oracle import judge_number
from shipworthy.evaluate.parameters import apart, case_rows, parameters
from shipworthy.evaluate.poison.noise import Told, confident, excess
from shipworthy.evaluate.poison.shown import silent
from shipworthy.evaluate.poison.surrogate import cross_fitted, folds
from shipworthy.evaluate.poison.table import Floats, labelled, table_of
from shipworthy.evaluate.poison.units import units_in
from shipworthy.facts import Case, Example
from shipworthy.profile.rows import Row
from shipworthy.stats.design_effect import design_effect

CANARY = 0.1
LEAST_RISE = 0.02
LEAST_ROWS = 300
BLIND = "wrong labels that follow a rule which the features show"
Estimate = Callable[[Floats, Floats, float], Told]
"""(labels, expectations, design effect) of suspect rows, then trusted ones, to (share, lower, upper)."""


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError on rows nobody loaded."""
    given = parameters(case)
    rows, labels = labelled(bench, case_rows(bench, case, given["suspect"] or bench.train, "true", None, seed))
    trusted: list[Row] = []
    known = np.empty(0)
    beside = case.oracle.metric == "excess_label_noise"
    if beside:
        trusted, known = labelled(bench, case_rows(bench, case, given["trusted"] or bench.trusted, "true", None, seed))
        apart(case, rows, trusted, "suspect and trusted")
    elif given["trusted"]:
        bench.rows(given["trusted"])  # not looked at here, but a name that nobody loaded is a mistake
    why = _unfit(labels, known, beside)
    if why:
        return silent(case, why, seed, indicator=None)
    every, y = [*rows, *trusted], np.concatenate([labels, known])
    table, units = table_of(bench.features, every), units_in(bench, every)
    fold = folds(len(every), units, seed)
    estimate = _estimate(case, len(rows))
    expected = cross_fitted(table, y, fold)
    clustered = _design_effect(y, expected, units)
    share, low, high = estimate(y, expected, clustered)
    flipped = np.random.default_rng(seed).permutation(len(rows))[: int(CANARY * len(rows))]
    noisy = y.copy()
    noisy[flipped] = 1.0 - noisy[flipped]
    risen = estimate(noisy, cross_fitted(table, noisy, fold), clustered)[0] - share
    visible = 0.5 * CANARY * (1.0 - 2.0 * max(share, 0.0))  # a flip puts a wrong label right
    if not risen >= max(visible, LEAST_RISE):
        return silent(case, f"of {CANARY:.0%} flipped labels it saw {risen:.1%}: it tells nothing here", seed, (), None)
    method = "against trusted rows" if beside else "confident learning; an upper estimate where the world is uncertain"
    notes = f"; {len(rows)} rows across folds, {method}; of {CANARY:.0%} flipped it saw {risen:.1%}; blind to: {BLIND}"
    shown = judge_number(case, share, low, high, len(rows), seed, notes)
    return CaseShown(result=msgspec.structs.replace(shown, worst=_surest(rows, labels, expected)))


def _estimate(case: Case, suspect: int) -> Estimate:
    level = case.oracle.level
    if case.oracle.metric != "excess_label_noise":
        return lambda y, expected, clustered: confident(y[:suspect], expected[:suspect], level, clustered)

    def beyond(y: Floats, expected: Floats, clustered: float) -> Told:
        wrong = (expected >= 0.5) != (y == 1.0)
        mine, theirs = wrong[:suspect], wrong[suspect:]
        return excess((int(mine.sum()), mine.size), (int(theirs.sum()), theirs.size), level, clustered)

    return beyond


def _surest(rows: Sequence[Row], labels: Floats, expected: Floats) -> tuple[Example, ...]:
    off = np.abs(labels - expected[: len(rows)])
    places = [int(at) for at in np.argsort(-off, kind="stable")[:MOST]]
    told = [f"label {labels[at]:.0f}, rows like it say {expected[at]:.2f}" for at in places]
    return tuple(example(text, at, rows[at]) for text, at in zip(told, places, strict=True))


def _design_effect(y: Floats, expected: Floats, units: Sequence[str] | None) -> float:
    if units is None or len(set(units)) == len(units):
        return 1.0
    return design_effect([int(one) for one in (expected >= 0.5) != (y == 1.0)], list(units))


def _unfit(labels: Floats, known: Floats, beside: bool) -> str:
    if len(labels) < LEAST_ROWS:
        return f"{len(labels)} rows with labels, {LEAST_ROWS} needed"
    if not 0.0 < labels.mean() < 1.0:
        return "the rows have one class only"
    if beside and len(known) < LEAST_ROWS:
        return f"{len(known)} trusted rows with labels, {LEAST_ROWS} needed"
    return ""
