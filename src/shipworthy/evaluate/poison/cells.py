"""The cells a trigger could live in: values, tails, bins and pairs of values of a table, tokens of its texts.

In: a table, and how many of its first rows are the suspect ones. Out: cuts of it, and per cell its suspect rows and
sums, all by counting, so that some thousand cells of some thousand rows cost a tenth of a second. A cell is named so
that a person can look it up in the data. Bins and tails are cut by the rows behind the suspect ones where there are
any, so that who poisons rows does not move them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from shipworthy.evaluate.poison.table import MISSING, Floats, Ints, Table
from shipworthy.evaluate.poison.tokens import tokens

LEAST_ROWS = 8
QUANTILE_BINS = 32
FAR = 8.0  # median absolute deviations
MOST_VALUES = 128  # more distinct values than this: a continuous column, in bins and repeated exact values
_MOST_CODES = 1 << 20


@dataclass(frozen=True)
class Cut:
    """One way to cut a table: entries of (row, code); `name` tells the cell of a code. `pairs`: a code for every row,
    in order, so that it can be crossed with another."""

    column: str
    rows: Ints
    codes: Ints
    size: int
    name: Callable[[int], str]
    pairs: bool = False


@dataclass(frozen=True)
class Sums:
    """Every cell with at least 8 suspect rows: the cut and code it is, its rows, labels, expected labels, variance."""

    cuts: tuple[Cut, ...]
    cut: Ints
    code: Ints
    n: Floats
    sum_y: Floats
    sum_p: Floats
    sum_pq: Floats

    def __len__(self) -> int:
        return len(self.n)

    def name(self, at: int) -> str:
        """Return how the cell is called."""
        return self.cuts[int(self.cut[at])].name(int(self.code[at]))

    def rows(self, at: int) -> Ints:
        """Return the rows of the table that lie in the cell, suspect and others."""
        cut = self.cuts[int(self.cut[at])]
        return np.asarray(cut.rows[cut.codes == self.code[at]], dtype=np.int64)


def cuts_of(table: Table, suspect: int, only: Sequence[str] | None = None) -> tuple[Cut, ...]:
    """Return the cuts of every column, or of those named."""
    made: list[Cut] = []
    for feature in table.features:
        if only is not None and feature.name not in only:
            continue
        if feature.name in table.categories:
            made.append(_by_value(feature.name, table.categories[feature.name], True))
        else:
            made += _of_numbers(feature.name, table.numbers[feature.name], suspect)
    made += [_of_texts(name, texts) for name, texts in table.texts.items() if only is None or name in only]
    return tuple(made)


def sums_of(cuts: Sequence[Cut], suspect: int, y: Floats, p: Floats) -> Sums:
    """Return every cell with at least 8 suspect rows: of each cut, and of each pair of discrete ones."""
    every = (*cuts, *crossed(cuts))
    at: list[Ints] = []
    codes: list[Ints] = []
    columns: list[list[Floats]] = [[], [], [], []]
    for place, cut in enumerate(every):
        inside = cut.rows < suspect
        rows, code = cut.rows[inside], cut.codes[inside]
        n = np.bincount(code, minlength=cut.size)
        kept = np.flatnonzero(n >= LEAST_ROWS).astype(np.int64)
        at.append(np.full(kept.size, place, dtype=np.int64))
        codes.append(kept)
        columns[0].append(n[kept].astype(np.float64))
        for column, weights in zip(columns[1:], (y, p, p * (1.0 - p)), strict=True):
            column.append(np.bincount(code, weights=weights[rows], minlength=cut.size)[kept].astype(np.float64))
    nothing, empty = np.empty(0), np.empty(0, dtype=np.int64)
    sums = [np.concatenate([*parts, nothing]).astype(np.float64) for parts in columns]
    return Sums(every, np.concatenate([*at, empty]), np.concatenate([*codes, empty]), *sums)


def crossed(cuts: Sequence[Cut]) -> Iterator[Cut]:
    """Return each pair of discrete cuts as a cut of its own."""
    for one, other in combinations([cut for cut in cuts if cut.pairs], 2):
        codes, width = one.codes * other.size + other.codes, other.size
        if one.size * width <= _MOST_CODES:
            yield Cut(f"{one.column} & {other.column}", one.rows, codes, one.size * width, _named(one, other))
            continue
        met, places = np.unique(codes, return_inverse=True)
        name = _named(one, other, met)
        yield Cut(f"{one.column} & {other.column}", one.rows, places.astype(np.int64), len(met), name)


def spelled(number: float) -> str:
    """Return how a number is written in the name of its cell."""
    return f"{number:.10g}"


def _named(one: Cut, other: Cut, met: Ints | None = None) -> Callable[[int], str]:
    width = other.size

    def name(code: int) -> str:
        whole = code if met is None else int(met[code])
        return f"{one.name(whole // width)} & {other.name(whole % width)}"

    return name


def _by_value(column: str, texts: Sequence[str], pairs: bool) -> Cut:
    index = {text: at for at, text in enumerate(sorted(set(texts)))}
    codes = np.array([index[text] for text in texts], dtype=np.int64)
    names = tuple(index)
    return Cut(column, np.arange(len(texts)), codes, len(names), lambda code: f"{column}={names[code]}", pairs)


def _of_numbers(column: str, numbers: Floats, suspect: int) -> list[Cut]:
    """Exact values, then for a continuous column 32 quantile bins and the far tails on both sides."""
    distinct, codes = np.unique(numbers, return_inverse=True, equal_nan=True)
    discrete = distinct.size <= MOST_VALUES

    def name(code: int) -> str:
        return f"{column}={MISSING if np.isnan(distinct[code]) else spelled(distinct[code])}"

    exact = Cut(column, np.arange(numbers.size), codes.astype(np.int64), distinct.size, name, discrete)
    if discrete:
        return [exact]
    reference = numbers[suspect:] if np.isfinite(numbers[suspect:]).sum() > QUANTILE_BINS else numbers
    seen = reference[~np.isnan(reference)]
    return [exact, _bins(column, numbers, seen), _tails(column, numbers, seen)]


def _bins(column: str, numbers: Floats, seen: Floats) -> Cut:
    edges = np.unique(np.quantile(seen, np.linspace(0.0, 1.0, QUANTILE_BINS + 1)))
    known = np.flatnonzero(~np.isnan(numbers))
    size = max(edges.size - 1, 1)
    codes = np.clip(np.searchsorted(edges, numbers[known], side="right") - 1, 0, size - 1)
    names = tuple(f"{column} in [{low:g}, {high:g}]" for low, high in pairwise(edges)) or (f"{column} known",)
    return Cut(column, known, codes.astype(np.int64), size, names.__getitem__)


def _tails(column: str, numbers: Floats, seen: Floats) -> Cut:
    middle = float(np.median(seen))
    spread = float(np.median(np.abs(seen - middle))) or float(seen.std()) or 1.0
    above, below = numbers > middle + FAR * spread, numbers < middle - FAR * spread
    rows = np.flatnonzero(above | below)
    names = (f"{column} far below", f"{column} far above")
    return Cut(column, rows, above[rows].astype(np.int64), 2, names.__getitem__)


def _of_texts(column: str, texts: Sequence[str]) -> Cut:
    """Tokens that occur in 8 texts or more; the plainest first, so that of equals a word stands before a pair."""
    found = [tokens(text) for text in texts]
    seen: dict[str, int] = {}
    for one in found:
        for token in one:
            seen[token] = seen.get(token, 0) + 1
    kept = sorted((token for token, n in seen.items() if n >= LEAST_ROWS), key=lambda token: (" " in token, token))
    index = {token: at for at, token in enumerate(kept)}
    entries = [(row, index[token]) for row, one in enumerate(found) for token in one if token in index]
    rows, codes = np.array(entries, dtype=np.int64).reshape(-1, 2).T
    return Cut(column, rows, codes, len(kept), lambda code: f"{column} has {kept[code]!r}")
