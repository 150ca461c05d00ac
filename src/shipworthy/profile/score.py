"""How unlike the reference one request is: a conformal p-value, on the hot path of every answer.

In: a profile, then one row at a time. Out: `OodScore`. p = the smallest p-value of the two views times their number
(Bonferroni); each view's p-value = (1 + calibration rows at least as odd) / (n + 1), ties counted as odd, so that it
is never too small (`stats.conformal`). Some things need no statistics and override it: a category that
neither model nor contract knows, a number out of its declared range or not a number, an empty cell where training had
none, a text that is empty or longer than declared.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import UsageError
from shipworthy.facts import Fact
from shipworthy.profile.rows import Row, as_category
from shipworthy.profile.shapes import COVARIANCE, MARGINAL, VIEWS, Profile
from shipworthy.profile.views import Cells, Distance
from shipworthy.stats.conformal import smallest_attainable

LEVEL = 0.01
_TIE = 1e-9  # relative: a score this close to a calibration score counts as tied with it


class OodScore(Fact, frozen=True, kw_only=True):
    """`p` in (0, 1]; `view` and `feature` explain it; `flag` = p <= level or an override; `unseen` names features.

    Under an override `view` is its name and `p` the least that a calibration set of this size can say.
    """

    p: float
    view: str
    feature: str
    flag: bool
    unseen: tuple[str, ...] = ()


class Scorer:
    """Scores rows against one profile. Holds no state between rows, so threads may share it."""

    __slots__ = ("_cells", "_distance", "_far", "_known", "_odd", "_of_far", "_of_odd", "least", "level", "profile")

    def __init__(self, profile: Profile, level: float = LEVEL) -> None:
        if not 0.0 < level < 1.0:
            raise UsageError(f"a level strictly between 0 and 1 is needed, got {level!r}", "profile")
        n = min(len(profile.calibration.get(view, ())) for view in VIEWS)
        if n == 0 or smallest_attainable(n, len(VIEWS)) > level:
            what = f"{n} calibration rows can never flag anything at level {level:g}"
            raise UsageError(what, "profile.json", "build with more calibration rows")
        self.profile = profile
        self.level = level
        self._cells = Cells(profile.numbers, profile.categories, profile.covariance, profile.texts)
        self._distance = Distance(profile.covariance)
        self._far = list(profile.calibration[COVARIANCE])
        self._odd = list(profile.calibration[MARGINAL])
        self._of_far, self._of_odd = len(self._far) + 1, len(self._odd) + 1
        self.least = 1.0 / self._of_odd
        self._known = tuple((one.name, frozenset(one.values), one.missing is not None) for one in profile.categories)

    def score(self, row: Row) -> OodScore:
        """Return how unlike the reference the row is."""
        worst, feature, numbers, override, blamed, unseen = self._cells(row)
        if override:
            return OodScore(p=self.least, view=override, feature=blamed, flag=True, unseen=unseen)
        far = self._distance(numbers)
        # `stats.conformal.p_value`, written out: neither score is ever NaN, and two calls would cost a tenth of the row
        p_far = (self._of_far - bisect_left(self._far, far - _TIE * (1.0 + far))) / self._of_far
        p_odd = (self._of_odd - bisect_left(self._odd, worst - _TIE * (1.0 + worst))) / self._of_odd
        p = min(1.0, len(VIEWS) * min(p_far, p_odd))
        if p_odd <= p_far:
            return OodScore(p=p, view=MARGINAL, feature=feature, flag=p <= self.level)
        # Naming the feature costs as much as the distance: only a flag is worth an explanation.
        blame = self._distance.blame(numbers) if p <= self.level else ""
        return OodScore(p=p, view=COVARIANCE, feature=blame, flag=p <= self.level)

    def unseen(self, row: Row) -> tuple[str, ...]:
        """Return the categories of the row that neither the model nor the contract knows."""
        return self._cells(row)[-1]

    def bucket(self, row: Row) -> tuple[str, ...]:
        """Return the categories of the row whose value the model has not seen in training, accepted ones included."""
        return tuple(
            name
            for name, values, nullable in self._known
            if ((text := as_category(row.get(name))) is None and not nullable)
            or (text is not None and text not in values)
        )


def p_of(sorted_calibration: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the p-value of each score of one view, as `Scorer.score` has it."""
    of = len(sorted_calibration) + 1
    at_least = scores - _TIE * (1.0 + scores)
    return np.asarray((of - np.searchsorted(sorted_calibration, at_least, side="left")) / of, dtype=np.float64)
