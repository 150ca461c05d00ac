"""Score many rows at once, as `score` scores one: for logs, frames and whatever runs once a minute.

In: a profile, then columns. A number or flag is a float64 array, NaN where a cell is empty and an infinity for what is
no number; a category or text is an array or list of cells, None, "" or NaN where one is empty, or `Coded`, which is
faster. A column that is not given is empty throughout. Out: `Scored`, with the same p, view and flag for each row, to
the last bit, as `Scorer` gives; the feature to blame may differ where two are equally to blame. Whole numbers beyond
2**53 are rounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import UsageError
from shipworthy.profile.columns import (
    CategoryColumn,
    Coded,
    Column,
    NumberColumn,
    Part,
    as_floats,
    columns_of,
    is_nan,
    part_of,
)
from shipworthy.profile.rows import Row, Value
from shipworthy.profile.score import LEVEL, Scorer, ranks_of
from shipworthy.profile.shapes import COVARIANCE, MARGINAL, Profile
from shipworthy.profile.texts import MISSING, Signs
from shipworthy.profile.views import OVERRIDES, UNSEEN_CATEGORY, Cells, Distance

Floats = NDArray[np.float64]
Codes = NDArray[np.int16]

CHUNK = 8_192
TOLD = ("", *OVERRIDES, COVARIANCE, MARGINAL)
_CODE = {name: np.int8(at) for at, name in enumerate(TOLD)}


class Scored(NamedTuple):
    """One entry a row. `view[i]` indexes TOLD and `feature[i]` the scorer's `features` (-1 = none); `far` and `odd` are
    the scores of the views, meaningless under an override."""

    p: Floats
    view: NDArray[np.int8]
    feature: Codes
    flag: NDArray[np.bool_]
    far: Floats
    odd: Floats


class BatchScorer:
    """Scores columns against one profile. `features` are the names that `Scored.feature` counts through."""

    def __init__(self, profile: Profile, level: float = LEVEL) -> None:
        """Raises UsageError as `Scorer` does."""
        self._one = Scorer(profile, level)
        self.profile = profile
        self.level = level
        cells = Cells(profile.numbers, profile.categories, profile.covariance, profile.texts)
        self._distance = Distance(profile.covariance)
        self._texts = [Signs(one) for one in profile.texts]
        self._calm = cells.calm
        self._quickly = [NumberColumn(one, cells.calm) for one in cells.numbers]
        self._exactly = [NumberColumn(one, -1.0) for one in cells.numbers]
        self._categories = [CategoryColumn(one, *cells.place_of(one.name)) for one in profile.categories]
        self.features = (
            *(one.name for one in self._quickly),
            *(one.name for one in self._categories),
            *(one.name for one in self._texts),
        )
        self._p_far, self._p_odd = np.array(self._one.p_far), np.array(self._one.p_odd)
        self._far, self._odd = (np.array(profile.calibration[view]) for view in (COVARIANCE, MARGINAL))

    def score_rows(self, rows: Sequence[Row]) -> Scored:
        """Score rows as requests give them."""
        return self.score(columns_of(self.profile, rows))

    def score(self, columns: Mapping[str, Column]) -> Scored:
        """Score columns of one length. Raises UsageError for columns of several lengths, or none that the model has."""
        wanted = (*self.profile.order,)
        sizes = {len(columns[name]) for name in wanted if name in columns}
        if len(sizes) != 1:
            raise UsageError(f"columns of {sorted(sizes) or 'no'} rows", "profile", "give columns of one length")
        parts = [self._chunk(columns, at, min(at + CHUNK, max(sizes))) for at in range(0, max(sizes), CHUNK)]
        if not parts:
            return _nothing()
        return Scored(*(np.concatenate(together) for together in zip(*parts, strict=True)))

    def _chunk(self, columns: Mapping[str, Column], start: int, end: int) -> Scored:
        given = {name: part_of(column, start, end) for name, column in columns.items() if name in self.profile.order}
        seen = _Seen(end - start, self._calm)
        for at, signs in enumerate(self._texts, start=len(self._quickly) + len(self._categories)):
            given.update(seen.read(at, signs, given.get(signs.name)))
        standards = self._look(seen, given, self._quickly)
        calm = np.flatnonzero((seen.feature < 0) & (seen.override == 0))
        if calm.size:  # as for one row: where no cell is odder than calm, which is the oddest must be looked up
            again = _Seen(calm.size, 0.0)
            self._look(again, {name: column[calm] for name, column in given.items()}, self._exactly)
            seen.worst[calm], seen.feature[calm] = again.worst, again.feature
        return self._judged(seen, standards)

    def _look(self, seen: _Seen, given: Mapping[str, Part], numbers: Sequence[NumberColumn]) -> Floats:
        """Take in every cell; return what the covariance view takes, shape (n, d)."""
        standards = []
        for at, number in enumerate(numbers):
            standard = seen.numbers(at, number, as_floats(given.get(number.name), len(seen.worst)))
            if number.per_unit:
                standards.append(standard)
        for at, category in enumerate(self._categories, start=len(numbers)):
            standard = seen.words(at, category, given.get(category.name))
            if category.placed:
                standards.append(standard)
        return np.stack(standards, axis=1) if standards else np.empty((len(seen.worst), 0))

    def _far_of(self, standards: Floats) -> Floats:
        """The distances, to the last bit where a rank could turn on it: elsewhere one product does for all rows."""
        with np.errstate(over="ignore", invalid="ignore"):
            far, apart = self._distance.nearly(standards)
        near = ~(np.isfinite(far) & (ranks_of(self._far, far - apart) == ranks_of(self._far, far + apart)))
        rows = np.flatnonzero(near)
        if rows.size:
            far[rows] = self._distance.of_rows(standards[rows])
        return far

    def _judged(self, seen: _Seen, standards: Floats) -> Scored:
        far = self._far_of(standards)
        r_far, r_odd = ranks_of(self._far, far), ranks_of(self._odd, seen.worst)
        marginal = r_odd <= r_far
        p = np.where(marginal, self._p_odd[r_odd], self._p_far[r_far])
        view = np.where(marginal, _CODE[MARGINAL], _CODE[COVARIANCE])
        feature = np.where(marginal, seen.feature, np.int16(-1))
        flag = p <= self.level
        blamed = np.flatnonzero(flag & ~marginal & (seen.override == 0))
        if blamed.size:
            names = {name: at for at, name in enumerate(self.features)}
            own = np.array([names[name] for name in self.profile.covariance.names] or [-1], dtype=np.int16)
            feature[blamed] = own[self._distance.blamed(standards[blamed])]
        over = seen.override != 0
        return Scored(
            p=np.where(over, self._one.least, p),
            view=np.where(over, seen.override, view).astype(np.int8),
            feature=np.where(over, seen.blamed, feature).astype(np.int16),
            flag=flag | over,
            far=far,
            odd=seen.worst,
        )


class _Seen:
    """What has been seen of a chunk so far, as `views.Seen` has it for one row."""

    def __init__(self, n: int, worst: float) -> None:
        self.worst = np.full(n, worst)
        self.feature = np.full(n, -1, dtype=np.int16)
        self.override = np.zeros(n, dtype=np.int8)
        self.blamed = np.full(n, -1, dtype=np.int16)

    def numbers(self, at: int, number: NumberColumn, column: Floats) -> Floats:
        """Take in one column; return it standardised."""
        rows, found, standard, wrong = number(column)
        odder = found > self.worst[rows]
        self.worst[rows[odder]], self.feature[rows[odder]] = found[odder], at
        for row, told in wrong:
            self._override(at, row, told)
        return standard

    def words(self, at: int, category: CategoryColumn, column: Part | None) -> Floats:
        """Take in one category; return its places, standardised. Unknown values are told before anything else."""
        codes = np.zeros(len(self.worst), dtype=np.int64) if column is None else category.codes(column)
        found = category.surprise[codes]
        odder = found > self.worst
        self.worst[odder], self.feature[odder] = found[odder], at
        if not category.nullable:
            for row in np.flatnonzero(codes == 0).tolist():
                self._override(at, row, MISSING)
        unseen = (codes == 1) & (self.override != _CODE[UNSEEN_CATEGORY])
        self.override[unseen], self.blamed[unseen] = _CODE[UNSEEN_CATEGORY], at
        return np.asarray(category.standard[codes], dtype=np.float64)

    def read(self, at: int, signs: Signs, column: Part | None) -> dict[str, Floats]:
        """Take in one text; return the columns of its numbers."""
        cells: list[Value] = [None] * len(self.worst)
        if column is not None:
            cells = column.cells() if isinstance(column, Coded) else column.tolist()
        told = [signs({signs.name: None if is_nan(cell) else cell}) for cell in cells]
        for row, one in enumerate(told):
            if one.override:
                self._override(at, row, one.override)
        return {
            name: np.array([math.nan if (value := one.numbers[name]) is None else value for one in told], dtype=float)
            for name in signs.names
        }

    def _override(self, at: int, row: int, told: str) -> None:
        if not self.override[row]:
            self.override[row], self.blamed[row] = _CODE[told], at


def _nothing() -> Scored:
    none = np.empty(0)
    return Scored(none, none.astype(np.int8), none.astype(np.int16), none.astype(bool), none, none)
