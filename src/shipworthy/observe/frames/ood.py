"""The one place where the rows of a frame are scored against the reference.

In: a scorer of rows, a frame. Out: `Ood`, the numbers that the live path gives row by row. A scorer that takes whole
columns (`ColumnScorer`) is asked at once; any other one row by row, which costs some 20 µs a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from shipworthy.observe.frames.columns import Coded, Floats, Frame, Marks, Ood
from shipworthy.profile.rows import Value
from shipworthy.profile.score import Scorer

Row = dict[str, Value]


@runtime_checkable
class ColumnScorer(Protocol):
    """What scores a frame at once: the p-values, the flags, and the feature that explains each row."""

    def score_frame(self, frame: Frame) -> Ood: ...


def scored(scorer: Scorer | ColumnScorer | None, frame: Frame) -> Ood:
    """Return how unlike the reference each row is; without a scorer nobody asked."""
    if scorer is None:
        return Ood(np.ones(frame.n), np.zeros(frame.n, dtype=bool), Coded.same("", frame.n), asked=False)
    if isinstance(scorer, ColumnScorer):
        return scorer.score_frame(frame)
    return _by_row(scorer, frame)


def rows_of(frame: Frame) -> Iterator[Row]:
    """Yield the inputs of each row as a request brings them; what was no number is NaN here as well."""
    columns: dict[str, list[Value]] = {}
    for name, values in frame.numbers.items():
        columns[name] = _cells(values, frame.broken.get(name))
    for name, words in frame.categories.items():
        columns[name] = [words.words[code] for code in words.codes.tolist()]
    columns.update({name: list(texts) for name, texts in frame.texts.items()})
    names = tuple(columns)
    if not names:
        yield from ({} for _ in range(frame.n))
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(names, cells, strict=True))


def _by_row(scorer: Scorer, frame: Frame) -> Ood:
    p, flag = np.empty(frame.n), np.empty(frame.n, dtype=bool)
    places: dict[str | None, int] = {"": 0}
    codes = np.zeros(frame.n, dtype=np.intp)
    for at, row in enumerate(rows_of(frame)):
        told = scorer.score(row)
        p[at], flag[at] = told.p, told.flag
        codes[at] = places.setdefault(told.feature, len(places))
    return Ood(p, flag, Coded(tuple(places), codes))


def _cells(values: Floats, broken: Marks | None) -> list[Value]:
    cells: list[Value] = values.tolist()
    for at in np.flatnonzero(np.isnan(values) if broken is None else np.isnan(values) & ~broken).tolist():
        cells[at] = None
    return cells
