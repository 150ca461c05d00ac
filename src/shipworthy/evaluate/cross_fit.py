"""Scores of a learner on rows that it was not fitted on, for all rows at once.

In: a matrix, 0/1 targets, perhaps weights by fold, and folds. Out: per row the score by the learner of the other folds.
Rows of one unit (a crash, a person) lie in one fold: else a learner could know a row by its twin. The learner is
gradient boosting, small and the same everywhere, so that what is compared differs by what is asked, not by tuning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from shipworthy.evaluate.encoded import Floats

Ints = NDArray[np.int64]


def folds_of(units: Sequence[str] | None, n: int, many: int, seed: int) -> Ints:
    """Return the fold of each of `n` rows, units whole. Raises ValueError with fewer units than folds."""
    names, of = np.unique(np.arange(n) if units is None else np.asarray(units), return_inverse=True)
    if not 2 <= many <= names.size:
        raise ValueError(f"{names.size} units make no {many} folds")
    places = np.random.default_rng(seed).permutation(names.size) % many
    return places[of].astype(np.int64)


def learner(categories: Sequence[bool]) -> HistGradientBoostingClassifier:
    """Return the unfitted learner; the same rows give the same one."""
    mask = list(categories)
    return HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        early_stopping=False,
        random_state=0,
        categorical_features=mask if any(mask) else None,
    )


def cross_fitted(
    table: Floats,
    target: Floats,
    categories: Sequence[bool],
    folds: Ints,
    weights: Callable[[int], Floats] | None = None,
) -> tuple[Floats, list[HistGradientBoostingClassifier | None]]:
    """Return the scores and the learner of each fold. A fold whose other folds hold one class answers that class."""
    scores = np.empty(len(target))
    learners: list[HistGradientBoostingClassifier | None] = []
    for fold in range(int(folds.max()) + 1):
        inside, others = folds == fold, folds != fold
        if np.unique(target[others]).size < 2:
            scores[inside] = target[others][0]
            learners.append(None)
            continue
        given = None if weights is None else weights(fold)[others]
        fitted = learner(categories).fit(table[others], target[others], sample_weight=given)
        scores[inside] = fitted.predict_proba(table[inside])[:, 1]
        learners.append(fitted)
    return scores, learners
