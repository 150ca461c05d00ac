"""Where values fall among the cells of a reference: many columns in one pass, a few hundred rows at a time.

In: columns of doubles, NaN for an empty cell; columns of words, None for one. Out: the place of every value among the
counts. Each step is one correctly rounded operation on doubles, so that a value falls where it falls alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.bins import CategoryBins, NumberBins

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

PIECE = 1024  # rows at a time: what is made on the way stays in the second-level cache


class NumberPlaces:
    """Places the columns of several numbers. Holds no state between calls."""

    def __init__(self, numbers: Sequence[NumberBins]) -> None:
        self.widths = [len(one.counts) for one in numbers]
        laid = [laid_out(one) for one in numbers]
        self._first = _standing(np.cumsum([0, *self.widths])[:-1])
        self._last = self._first + _standing(self.widths) - 1
        self._per, self._shift = _upright([one.per for one in numbers]), _upright([one.shift for one in numbers])
        self._least, self._most = _upright([one.least for one in numbers]), _upright([one.most for one in numbers])
        self._top = _upright([one.cells + 1.0 for one in numbers])
        self._offset = _standing(np.cumsum([0, *(one.cells + 2 for one in numbers)])[:-1])
        tables = [table + first for (table, _), first in zip(laid, self._first[:, 0].tolist(), strict=True)]
        self._table = np.concatenate(tables) if tables else np.zeros(0, dtype=np.intp)
        self._atom = np.full(self._table.size, np.nan)  # nothing equals NaN, nothing is above it
        for (_, parted), offset in zip(laid, self._offset[:, 0].tolist(), strict=True):
            for cell, atom, _ in parted:
                self._atom[offset + cell] = atom

    def __call__(self, columns: Floats) -> Places:
        """Return intp[numbers, rows] for columns (numbers, rows): places in a row of the counts of all numbers."""
        pieces = [self._placed(columns[:, at : at + PIECE]) for at in range(0, columns.shape[1], PIECE)]
        return pieces[0] if len(pieces) == 1 else np.concatenate([np.zeros((len(columns), 0), np.intp), *pieces], 1)

    def _placed(self, columns: Floats) -> Places:
        inside = (columns >= self._least) & (columns <= self._most)
        whole = bool(inside.all())
        known = columns if whole else np.where(inside, columns, self._least)
        grid = known * self._per
        grid += self._shift
        np.maximum(grid, 0.0, out=grid)
        np.minimum(grid, self._top, out=grid)
        cell = grid.astype(np.intp)  # truncates
        cell += self._offset
        place = self._table[cell]
        atom = self._atom[cell]
        place += known >= atom  # what equals an atom, and what lies above it in its cell, each in a place further on
        place += known > atom
        if not whole:
            beyond = self._last - 2 * (columns < self._least) - (columns > self._most)
            place = np.where(inside, place, beyond)
        return place


class WordPlaces:
    """Places the words of one category, by codes: one for each word that the reference or `numbers` names, one for an
    empty cell, one for every other word. `places` and `numbers`: by code, the place among the counts, and the number
    that stands for the word in the covariance (NaN = none does)."""

    def __init__(self, bins: CategoryBins, numbers: Mapping[str, float]) -> None:
        self.name, self.width = bins.name, len(bins.counts)
        self.unseen = self.width - 2
        at: dict[str | None, int] = {value: place for place, value in enumerate(bins.values)}
        at.update(dict.fromkeys(bins.known, len(bins.values)))
        at[None] = self.width - 1
        words: list[str | None] = [*dict.fromkeys((*at, *numbers))]
        self._codes = _Codes((word, code) for code, word in enumerate(words))
        self._codes.other = len(words)
        self.places = np.array([*(at.get(word, self.unseen) for word in words), self.unseen], dtype=np.intp)
        self.numbers = np.array([*(numbers.get(word or "", np.nan) for word in words), np.nan])

    def codes(self, column: Iterable[str | None], n: int) -> Places:
        """Return the code of each of `n` words; a missing one is None."""
        return np.fromiter(map(self._codes.__getitem__, column), dtype=np.intp, count=n)


class _Codes(dict[str | None, int]):
    """Codes by word; what is asked for in vain is not kept."""

    other: int

    def __missing__(self, word: str | None) -> int:
        return self.other


def grid_cell(value: float, per: float, shift: float, cells: int) -> int:
    """Return the grid cell of one finite value."""
    return int(min(max(value * per + shift, 0.0), cells + 1.0))


def laid_out(bins: NumberBins) -> tuple[Places, tuple[tuple[int, float, int], ...]]:
    """Return (grid cell -> place, for each atom its grid cell, its value and the place of what lies below it there)."""
    starts = np.zeros(bins.cells + 2, dtype=np.intp)
    starts[list(bins.starts)] = 1
    cells = [grid_cell(atom, bins.per, bins.shift, bins.cells) for atom in bins.atoms]
    after = np.zeros(bins.cells + 2, dtype=np.intp)
    after[cells] = 2  # an atom parts its cell in three: what follows lies two places further
    table = np.cumsum(starts) + np.cumsum(after) - after
    parted = tuple((cell, atom, int(table[cell])) for cell, atom in zip(cells, bins.atoms, strict=True))
    return table, parted


def _upright(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def _standing(values: Sequence[int] | Places) -> Places:
    return np.array(values, dtype=np.intp).reshape(-1, 1)
