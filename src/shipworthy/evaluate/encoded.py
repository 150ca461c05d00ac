"""Rows as numbers for a learner of our own: what a surrogate, an attacker or an audit is trained on.

In: features and the rows that say which categories there are. Out: a matrix, numbers as they are (NaN where empty),
categories as codes, the commonest first; beyond `MOST_CODES`, unseen and empty ones share one code. Gradient boosting
takes the columns of categories as such.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.contract.manifest import Feature
from shipworthy.profile.rows import CATEGORY, Row, as_category, as_number

Floats = NDArray[np.float64]
MOST_CODES = 200  # gradient boosting takes at most 255


class Encoding:
    """The columns of one model. `categories` = which of them hold codes."""

    def __init__(self, features: Sequence[Feature], rows: Sequence[Row]) -> None:
        self.features = tuple(features)
        self.categories = [one.type == CATEGORY for one in features]
        self._codes = {one.name: _codes(one, rows) for one in features if one.type == CATEGORY}

    def matrix(self, rows: Sequence[Row]) -> Floats:
        """Return an (n, features) matrix."""
        return np.array([[self._cell(one, row) for one in self.features] for row in rows], dtype=np.float64).reshape(
            len(rows), len(self.features)
        )

    def _cell(self, feature: Feature, row: Row) -> float:
        value = row.get(feature.name)
        if feature.type == CATEGORY:
            codes = self._codes[feature.name]
            return float(codes.get(as_category(value) or "", len(codes)))
        number = as_number(value)
        return math.nan if number is None else number


def _codes(feature: Feature, rows: Sequence[Row]) -> dict[str, int]:
    seen = Counter(text for row in rows if (text := as_category(row.get(feature.name))) is not None)
    order = sorted(seen, key=lambda text: (-seen[text], text))[:MOST_CODES]
    return {text: code for code, text in enumerate(order)}
