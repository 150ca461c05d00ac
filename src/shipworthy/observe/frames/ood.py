"""The one place where the rows of a frame are scored against the reference.

In: a scorer of columns, a frame. Out: `Ood`, the numbers that the live path gives row by row.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shipworthy.observe.frames.columns import Coded, Floats, Frame, Marks, Ood
from shipworthy.profile.batch import BatchScorer
from shipworthy.profile.columns import Coded as CodedColumn
from shipworthy.profile.columns import Column
from shipworthy.profile.rows import Value

Row = dict[str, Value]


def scored(scorer: BatchScorer | None, frame: Frame) -> Ood:
    """Return how unlike the reference each row is; without a scorer nobody asked."""
    if scorer is None or not frame.n:
        return Ood(np.ones(frame.n), np.zeros(frame.n, dtype=bool), Coded.same("", frame.n), asked=scorer is not None)
    told = scorer.score(_columns(frame))
    return Ood(told.p, told.flag, Coded(("", *scorer.features), told.feature.astype(np.intp) + 1))


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


def _columns(frame: Frame) -> dict[str, Column]:
    """The columns as the scorer takes them: what was no number is infinite there, and an empty word has no code."""
    columns: dict[str, Column] = {}
    for name, values in frame.numbers.items():
        broken = frame.broken.get(name)
        columns[name] = values if broken is None else np.where(broken, np.inf, values)
    for name, column in frame.categories.items():
        empty = np.array([word is None or word == "" for word in column.words], dtype=bool)
        columns[name] = CodedColumn(column.words, np.where(empty[column.codes], -1, column.codes))
    columns.update({name: list(texts) for name, texts in frame.texts.items()})
    return columns


def _cells(values: Floats, broken: Marks | None) -> list[Value]:
    cells: list[Value] = values.tolist()
    for at in np.flatnonzero(np.isnan(values) if broken is None else np.isnan(values) & ~broken).tolist():
        cells[at] = None
    return cells
