"""Scores of a chunk from whatever computes a version: a model process, or a callable of the caller's own.

In: columns. Out: a score a row, NaN for what is none, and the model's own decisions if it makes some; or UpstreamFailed
for the chunk as a whole. One call a chunk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shipworthy.deploy.batch.ranks import Floats
from shipworthy.deploy.batch.table import Cell, Table, cells_of
from shipworthy.deploy.http.client import UpstreamFailed
from shipworthy.models.client import Answers
from shipworthy.models.spec import Columns, values_of
from shipworthy.profile.columns import Coded

NUMBER = ("int", "float", "bool")
ModelColumn = NDArray[Any]
ByColumns = Callable[[Mapping[str, ModelColumn]], Sequence[float] | NDArray[Any]]


class Scores(NamedTuple):
    """One score a row, NaN = none; the model's own words, None where it makes no decision."""

    score: Floats
    own: Coded | None = None


@runtime_checkable
class TakesColumns(Protocol):
    """A model that is asked for a whole chunk by columns."""

    def ask_columns(self, version: str, columns: Mapping[str, ModelColumn]) -> Sequence[float] | NDArray[Any]: ...


@runtime_checkable
class TakesRows(Protocol):
    """A model that also tells its own decisions."""

    def answers(self, version: str, rows: list[list[Cell]]) -> Answers: ...


async def scores(models: object, version: str, columns: Columns, table: Table, limit_s: float) -> Scores:
    """Return the scores of a chunk. Raises UpstreamFailed when the model fails on it, or does not answer in time."""
    try:
        async with asyncio.timeout(limit_s):
            return await asyncio.to_thread(_asked, models, version, columns, table)
    except TimeoutError as error:
        raise UpstreamFailed("timeout") from error
    except Exception as error:  # whatever it does wrong, it gave no scores
        raise UpstreamFailed(f"score: {type(error).__name__}: {error}") from error


def _asked(models: object, version: str, columns: Columns, table: Table) -> Scores:
    if isinstance(models, TakesColumns):
        given: Any = models.ask_columns(version, model_columns(table, columns))
        return Scores(_scored(given, table.n))
    rows = model_rows(table, columns)
    if isinstance(models, TakesRows):
        told = models.answers(version, rows)
        own = cells_of(told.decisions) if told.decisions is not None else None
        return Scores(_scored(told.scores, table.n), own)
    return Scores(_scored(models.ask(version, rows), table.n))  # type: ignore[attr-defined]  # every model has it


def _scored(given: Sequence[float | None] | NDArray[Any], n: int) -> Floats:
    """Scores as floats; None, and what lies outside [0, 1], is none."""
    told = np.asarray(given, dtype=np.float64)
    if told.shape != (n,):
        raise ValueError(f"{told.shape} scores for {n} rows")
    return np.where((told >= 0.0) & (told <= 1.0), told, np.nan)


def model_rows(table: Table, columns: Columns) -> list[list[Cell]]:
    """Return the rows in model order, as `models.spec.values_of` has them."""
    return [list(cells) for cells in zip(*(_cells(table, *one) for one in columns), strict=True)]


def model_columns(table: Table, columns: Columns) -> dict[str, ModelColumn]:
    """Return the columns by name: float64 with NaN for an empty cell, texts and categories as objects with None."""
    made: dict[str, ModelColumn] = {}
    for name, kind in columns:
        if kind in NUMBER:
            made[name] = table.floats(name)
        else:
            values = np.array([*_values(table.words(name), kind), None], dtype=object)[:-1]
            made[name] = values[table.words(name).codes]
    return made


def _cells(table: Table, name: str, kind: str) -> list[Cell]:
    """The cells of one feature as the model takes them: spelled out once a distinct cell where they are words."""
    if kind in NUMBER:
        return [None if cell == "" else cell for cell in table.cells(name)]
    words = table.words(name)
    return list(map(_values(words, kind).__getitem__, words.codes.tolist()))


def _values(words: Coded, kind: str) -> list[Cell]:
    return [values_of({"": cell}, (("", kind),))[0] for cell in words.values]
