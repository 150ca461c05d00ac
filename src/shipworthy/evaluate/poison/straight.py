"""What labels rows would have if every number pulled evenly, further than anybody has seen: a straight reference.

In: a trusted table and labels. Out: the expected label of each row by logistic regression on the numbers (empty cells
at the median) and the smoothed means of the categories. Trees stay level beyond the last value they saw; an honest
linear model does not, and must not be taken for a backdoor because of a row that is far out.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from shipworthy.evaluate.poison.surrogate import SMOOTHING, category_means
from shipworthy.evaluate.poison.table import Floats, Table


class Straight:
    """Learnt once, asked often."""

    def __init__(self, table: Table, labels: Floats) -> None:
        self.features = table.features
        self._base = float(labels.mean())
        self._means = {
            name: category_means(codes, labels, self._base, SMOOTHING)
            for name, codes in sorted(table.categories.items())
        }
        raw = self._columns(table)
        seen = [column[~np.isnan(column)] for column in raw.T]
        self._middle = np.array([float(np.median(one)) if one.size else 0.0 for one in seen])
        self._spread = np.array([float(one.std()) or 1.0 if one.size else 1.0 for one in seen])
        self._model = LogisticRegression(max_iter=500).fit(self._matrix(table), labels)

    def expect(self, table: Table) -> Floats:
        """Return the expected label of each row."""
        return np.asarray(self._model.predict_proba(self._matrix(table))[:, 1], dtype=np.float64)

    def _matrix(self, table: Table) -> Floats:
        raw = self._columns(table)
        return np.asarray((np.where(np.isnan(raw), self._middle, raw) - self._middle) / self._spread)

    def _columns(self, table: Table) -> Floats:
        return np.column_stack([self._column(table, one.name) for one in self.features])

    def _column(self, table: Table, name: str) -> Floats:
        if name in table.numbers:
            return table.numbers[name]
        means = self._means[name]
        return np.array([means.get(code, self._base) for code in table.categories[name]])
