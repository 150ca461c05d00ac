"""What would close the gap, and what it would cost: computed, printed, never applied.

In: audited rows with answers, groups, a need measure. Out: one `Option` a line, each as the audit would see it:

* as it is, and the same refitted by our own learner (what the refits below are to be compared with);
* *reweighing*: the refit with weights w(g, y) = P(g) P(y) / P(g, y), under which group and label are independent
  (Kamiran & Calders, Knowl. Inf. Syst. 33 (2012) 1-33);
* *thresholds per group*: the model's own score, each group cut at the quantile that its share of the neediest gives;
* *another target*: the learner fitted on the need measure instead of the label.

Everything fitted, weights and quantiles included, comes from other rows than those it is judged on (cross-fitting).
The price is that of our learner on these rows, not of a model that nobody has trained yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.evaluate.cross_fit import Ints, cross_fitted
from shipworthy.evaluate.encoded import Floats
from shipworthy.evaluate.need import top
from shipworthy.stats.auc import auroc
from shipworthy.stats.group_rates import Flags

LEAST_ROWS = 300


@dataclass(frozen=True)
class Audited:
    """Rows that have a label and a need. `table` = the features as numbers, `cost` = NaN where the rows have none."""

    scores: Floats
    flagged: Flags
    labels: Floats
    needy: Flags
    groups: NDArray[np.str_]
    cost: Floats
    table: Floats
    categories: list[bool]
    folds: Ints
    seed: int

    @property
    def share(self) -> float:
        """The share that is flagged now, and stays."""
        return float(self.flagged.mean())


@dataclass(frozen=True)
class Option:
    """One way of doing it: who is flagged, by which score."""

    name: str
    scores: Floats
    flagged: Flags


def options(given: Audited) -> list[Option]:
    """Return what could be done, as it is first; empty where there is too little to fit on."""
    if given.labels.size < LEAST_ROWS or min(np.unique(given.labels).size, np.unique(given.needy).size) < 2:
        return []
    same = _refitted(given, given.labels)
    even = _refitted(given, given.labels, reweighing(given.groups, given.labels, given.folds))
    other = _refitted(given, given.needy.astype(np.float64))
    return [
        Option("as it is", given.scores, given.flagged),
        _top(given, "refitted as it is", same),
        _top(given, "reweighing (w = P(g) P(y) / P(g, y))", even),
        Option("thresholds per group", given.scores, by_group(given)),
        _top(given, "another target: the need measure", other),
    ]


def reweighing(groups: NDArray[np.str_], labels: Floats, folds: Ints) -> Callable[[int], Floats]:
    """Return, per fold left out, the weight of each row as the rows of the other folds give it; 1 for a pair of group
    and label that they do not have."""

    def weights(fold: int) -> Floats:
        others, made = folds != fold, np.ones(labels.size)
        for group in np.unique(groups):
            for label in (0.0, 1.0):
                here = (groups == group) & (labels == label)
                joint = float((here & others).sum())
                if joint:
                    both = float(((groups == group) & others).sum()) * float(((labels == label) & others).sum())
                    made[here] = both / (joint * float(others.sum()))
        return made

    return weights


def by_group(given: Audited) -> Flags:
    """Return who is flagged when each group is flagged by its share of the neediest; quantiles of the other folds."""
    flagged = np.zeros(given.labels.size, dtype=np.bool_)
    lot = np.random.default_rng(given.seed).random(given.scores.size) * 1e-9  # equal scores are parted by lot
    scores = given.scores + lot
    for fold in range(int(given.folds.max()) + 1):
        inside, others = given.folds == fold, given.folds != fold
        overall = float(given.needy[others].mean())
        for group in np.unique(given.groups):
            known = others & (given.groups == group)
            pool = known if known.any() else others
            share = min(1.0, given.share * float(given.needy[pool].mean()) / overall) if overall else given.share
            here = inside & (given.groups == group)
            flagged[here] = scores[here] > np.quantile(scores[pool], 1.0 - share)
    return flagged


def price(given: Audited, one: Option) -> str:
    """Return in words what it costs: area for the label and for the need, people flagged, cost among them."""
    told = f"AUROC of the label {auroc(one.scores, given.labels):.3f}, of the need {auroc(one.scores, given.needy):.3f}"
    told += f"; flags {int(one.flagged.sum())} of {one.flagged.size}"
    total = float(given.cost.sum())
    return told if np.isnan(total) or not total else f"{told}, {given.cost[one.flagged].sum() / total:.0%} of the cost"


def _refitted(given: Audited, target: Floats, weights: Callable[[int], Floats] | None = None) -> Floats:
    return cross_fitted(given.table, target, given.categories, given.folds, weights)[0]


def _top(given: Audited, name: str, scores: Floats) -> Option:
    return Option(name, scores, top(scores, given.share, given.seed))
