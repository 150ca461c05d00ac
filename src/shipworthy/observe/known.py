"""What a version knew when it shipped, as far as live numbers are compared with it.

In: the cells of its reference, the scores of its calibration rows, the names of its protected features. Out: values
that the measures of this room take. The calibration rows were not trained on: a model is surer of rows it has seen, and
a histogram of those would call every live score a drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shipworthy.facts import SCORE_BINS
from shipworthy.profile.bins import InputBins

_NONE = (0,) * SCORE_BINS


@dataclass(frozen=True, slots=True)
class ScoreCounts:
    """Rows of known scores by score bin: all of them, those with a label, and the positives among these."""

    scored: tuple[int, ...] = _NONE
    labelled: tuple[int, ...] = _NONE
    positives: tuple[int, ...] = _NONE


@dataclass(frozen=True, slots=True)
class Known:
    """`inputs`: the cells of the reference, None without one. `scores`: of the calibration rows, by segment.

    `protected`: names of features whose groups are counted. `unit`: the column that ties rows together, "" without.
    """

    inputs: InputBins | None = None
    scores: Mapping[str, ScoreCounts] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    unit: str = ""

    @property
    def hedge(self) -> str:
        """Return what is told of rows that may come in units: windows do not know which belong together."""
        return f"; rows taken as independent, those of one {self.unit} are not told apart" if self.unit else ""


def score_counts(scored: Iterable[tuple[float | None, int | None]]) -> ScoreCounts:
    """Return the counts of (score, label) pairs; what has no usable score is left out, what has no label is unlabelled.

    >>> found = score_counts([(0.99, 1), (0.99, None), (None, 1)])
    >>> found.scored[59], found.labelled[59], found.positives[59]
    (2, 1, 1)
    """
    counts = [[0] * SCORE_BINS for _ in range(3)]
    for score, label in scored:
        if score is None or not 0.0 <= score <= 1.0:
            continue
        at = min(int(score * SCORE_BINS), SCORE_BINS - 1)
        for column, one in zip(counts, (1, int(label in (0, 1)), int(label == 1)), strict=True):
            column[at] += one
    return ScoreCounts(*(tuple(column) for column in counts))
