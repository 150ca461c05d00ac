"""What labels rows like these should have: a smooth surrogate, learnt from rows that are trusted, or across folds.

In: a table and labels. Out: the expected label of each row. Small trees with large leaves and smoothed category means
cannot follow a rare cell, so a trigger stands out against them. Text enters as one column: how far a ridge on the
words of the trusted rows moves the odds, learnt on other folds than it is used on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from shipworthy.evaluate.poison.table import Floats, Ints, Table
from shipworthy.evaluate.poison.tokens import words

SMOOTHING = 20.0
LEAST_LEAF = 100
ROUNDS = 60
FOLDS = 5
MOST_WORDS = 300
LEAST_SEEN = 8


class Surrogate:
    """Learnt once, asked often. `smoothing` rows of the average stand behind every category."""

    def __init__(
        self, table: Table, labels: Floats, smoothing: float = SMOOTHING, leaf: int = LEAST_LEAF, seed: int = 0
    ) -> None:
        self.features = table.features
        self.base = float(labels.mean())
        coded = sorted(table.categories.items())
        self._means = {name: category_means(codes, labels, self.base, smoothing) for name, codes in coded}
        self._words = {name: _Words(texts, labels) for name, texts in sorted(table.texts.items())}
        own = {name: _out_of_fold(texts, labels, seed) for name, texts in sorted(table.texts.items())}
        self._model = HistGradientBoostingClassifier(
            max_iter=ROUNDS,
            learning_rate=0.1,
            max_leaf_nodes=4,
            min_samples_leaf=leaf,
            early_stopping=False,
            random_state=0,
        ).fit(self._matrix(table, own), labels)

    def expect(self, table: Table) -> Floats:
        """Return the expected label of each row, kept off 0 and 1."""
        told = {name: model.odds(table.texts[name]) for name, model in self._words.items()}
        made = np.asarray(self._model.predict_proba(self._matrix(table, told))[:, 1], dtype=np.float64)
        return np.clip(made, 0.005, 0.995)

    def _matrix(self, table: Table, texts: dict[str, Floats]) -> Floats:
        columns = [self._column(table, one.name) for one in self.features]
        return np.column_stack([*columns, *(texts[name] for name in sorted(texts))])

    def _column(self, table: Table, name: str) -> Floats:
        if name in table.numbers:
            return table.numbers[name]
        means = self._means[name]
        return np.array([means.get(code, self.base) for code in table.categories[name]])


def cross_fitted(table: Table, labels: Floats, fold: Ints) -> Floats:
    """Return the expected label of each row by a surrogate that has not seen its fold.

    A fold whose others have one class expects that class' rate.
    """
    expected = np.empty(table.n)
    for one in np.unique(fold):
        inside, outside = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        if outside.size == 0 or not 0.0 < labels[outside].mean() < 1.0:
            expected[inside] = 0.5 if outside.size == 0 else np.clip(labels[outside].mean(), 0.005, 0.995)
            continue
        expected[inside] = cautious(table.taken(outside), labels[outside]).expect(table.taken(inside))
    return expected


def cautious(table: Table, labels: Floats) -> Surrogate:
    """Return a surrogate learnt on rows that nobody vouches for: leaves and smoothing are larger, so that a cell of a
    few rows in a hundred cannot explain itself."""
    return Surrogate(table, labels, 10.0 * SMOOTHING, max(LEAST_LEAF, table.n // 20))


def folds(n: int, units: Sequence[str] | None, seed: int, k: int = FOLDS) -> Ints:
    """Return the fold of each row, of equal size; rows of one unit share theirs."""
    rng = np.random.default_rng(seed)
    if units is None:
        return np.asarray(rng.permutation(n) % k, dtype=np.int64)
    index = {unit: at for at, unit in enumerate(dict.fromkeys(units))}
    of_unit = rng.permutation(len(index)) % k
    return np.array([of_unit[index[unit]] for unit in units], dtype=np.int64)


class _Words:
    """A ridge-penalised logistic regression on which frequent words a text has."""

    def __init__(self, texts: Sequence[str], labels: Floats) -> None:
        seen = Counter(word for text in texts for word in set(words(text)))
        frequent = sorted((word for word, n in seen.items() if n >= LEAST_SEEN), key=lambda word: (-seen[word], word))
        self._index = {word: at for at, word in enumerate(frequent[:MOST_WORDS])}
        learns = bool(self._index) and 0.0 < labels.mean() < 1.0
        self._model = LogisticRegression(C=0.1, max_iter=200).fit(self._presence(texts), labels) if learns else None

    def odds(self, texts: Sequence[str]) -> Floats:
        """Return the log-odds of each text; 0 where no word was frequent."""
        if self._model is None:
            return np.zeros(len(texts))
        return np.asarray(self._model.decision_function(self._presence(texts)), dtype=np.float64)

    def _presence(self, texts: Sequence[str]) -> Floats:
        made = np.zeros((len(texts), len(self._index)))
        for at, text in enumerate(texts):
            made[at, [self._index[word] for word in set(words(text)) if word in self._index]] = 1.0
        return made


def _out_of_fold(texts: list[str], labels: Floats, seed: int) -> Floats:
    fold = folds(len(texts), None, seed, 3)
    made = np.zeros(len(texts))
    for one in np.unique(fold):
        inside, outside = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        model = _Words([texts[at] for at in outside], labels[outside])
        made[inside] = model.odds([texts[at] for at in inside])
    return made


def category_means(codes: Sequence[str], labels: Floats, base: float, smoothing: float) -> dict[str, float]:
    """Smoothed mean label per category: a code with few rows is expected to be like the others."""
    index = {code: at for at, code in enumerate(dict.fromkeys(codes))}
    places = np.array([index[code] for code in codes], dtype=np.int64)
    sums = np.bincount(places, weights=labels, minlength=len(index))
    n = np.bincount(places, minlength=len(index))
    smoothed = (sums + smoothing * base) / (n + smoothing)
    return {code: float(smoothed[at]) for code, at in index.items()}
