"""How unlike the reference one request is: a conformal p-value, on the hot path of every answer.

In: a profile, then one row at a time. Out: `OodScore`. A row is as odd as its better rank among the calibration rows by
either view, and p = the share of rows that are as odd as that (`stats.conformal.joint_p_values`): exact for two views,
ties counted as odd, so that it is never too small. Some things need no statistics and override it: a category that
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
from shipworthy.stats.conformal import joint_p_values

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

    __slots__ = ("_cells", "_distance", "_far", "_known", "_odd", "_of", "least", "level", "p_far", "p_odd", "profile")

    def __init__(self, profile: Profile, level: float = LEVEL) -> None:
        if not 0.0 < level < 1.0:
            raise UsageError(f"a level strictly between 0 and 1 is needed, got {level!r}", "profile")
        self.profile = profile
        self.level = level
        self.p_far, self.p_odd = p_tables(profile)
        self._of = len(self.p_far) - 1
        if min(self.p_far[1], self.p_odd[1]) > level:
            what = f"{self._of - 1} calibration rows can never flag anything at level {level:g}"
            raise UsageError(what, "profile.json", "build with more calibration rows")
        self._cells = Cells(profile.numbers, profile.categories, profile.covariance, profile.texts)
        self._distance = Distance(profile.covariance)
        self._far = list(profile.calibration[COVARIANCE])
        self._odd = list(profile.calibration[MARGINAL])
        self.least = 1.0 / self._of
        self._known = tuple((one.name, frozenset(one.values), one.missing is not None) for one in profile.categories)

    def score(self, row: Row) -> OodScore:
        """Return how unlike the reference the row is."""
        worst, feature, numbers, override, blamed, unseen = self._cells(row)
        if override:
            return OodScore(p=self.least, view=override, feature=blamed, flag=True, unseen=unseen)
        far = self._distance(numbers)
        r_far = self._of - bisect_left(self._far, far - _TIE * (1.0 + far))
        r_odd = self._of - bisect_left(self._odd, worst - _TIE * (1.0 + worst))
        if r_odd <= r_far:
            p = self.p_odd[r_odd]
            return OodScore(p=p, view=MARGINAL, feature=feature, flag=p <= self.level)
        p = self.p_far[r_far]
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


def ranks_of(sorted_calibration: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rank of each score of one view among its calibration scores, as `Scorer.score` has it."""
    at_least = scores - _TIE * (1.0 + scores)
    found = np.searchsorted(sorted_calibration, at_least, side="left")
    return np.asarray(len(sorted_calibration) + 1 - found, dtype=np.int64)


def p_tables(profile: Profile) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return p by rank for a row oddest in the covariance view, and for one oddest in the marginal view.

    A profile from before the views were paired gets Bonferroni's. Raises UsageError without calibration rows, or when
    the views do not have the same ones.
    """
    far, odd = (np.array(profile.calibration.get(view, ())) for view in (COVARIANCE, MARGINAL))
    n, at = len(far), np.array(profile.paired, dtype=np.int64)
    if n == 0 or len(odd) != n or len(at) not in (0, n):
        what = f"{n}, {len(odd)} and {len(at)} calibration rows by view"
        raise UsageError(what, "profile.json", "build again, with calibration rows that no override catches")
    if not len(at):
        bonferroni = tuple(min(1.0, len(VIEWS) * rank / (n + 1)) for rank in range(n + 2))
        return bonferroni, bonferroni
    one, other = joint_p_values([_own_ranks(far).tolist(), _own_ranks(odd)[at].tolist()])
    return one, other


def _own_ranks(sorted_calibration: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of calibration scores at least as large as each."""
    first = np.searchsorted(sorted_calibration, sorted_calibration, side="left")
    return np.asarray(len(sorted_calibration) - first, dtype=np.int64)
