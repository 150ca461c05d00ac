"""A piece of a log as columns: what a few hundred thousand events and their rows hold, without an object per row.

In: arrays that a reader made by the cell rules of `profile.rows`. Out: a `Frame`, which the other modules here count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.intp]
Marks = NDArray[np.bool_]
NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of words: `codes` (n) are places in `words`; None is an empty cell, and a word may stand there twice."""

    words: tuple[str | None, ...]
    codes: Places

    @classmethod
    def same(cls, word: str, n: int) -> Coded:
        """Return a column that holds one word everywhere."""
        return cls((word,), np.zeros(n, dtype=np.intp))

    def where(self, word: str) -> Marks:
        """Return which rows hold a word."""
        return np.array([one == word for one in self.words], dtype=bool)[self.codes]

    def filled(self, word: str) -> Coded:
        """Return the column with a word in its empty cells."""
        return Coded(tuple(word if one is None else one for one in self.words), self.codes)


@dataclass(frozen=True, slots=True)
class Ood:
    """How unlike the reference each row is. `feature`: what explains it ("" = nothing); `asked` is False where nobody
    scored: then `p` is 1 and no flag means anything."""

    p: Floats
    flag: Marks
    feature: Coded
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Frame:
    """`n` decisions. NaN: an empty cell, or one that is no number; then `broken` marks it. `texts` as they were sent.

    `minute`: the first minute of the period a row is counted in. `label` is 0, 1 or NO_LABEL. `unseen`: by category,
    rows whose value neither model nor contract knows. `dimensions`: columns of canonical segment texts, each row in one
    of each; no two of them share a text.
    """

    n: int
    minute: Ints
    version: Coded
    tenant: Coded
    numbers: dict[str, Floats]
    categories: dict[str, Coded]
    score: Floats
    decision: Coded
    route: Coded
    took_ms: Floats
    label: NDArray[np.int8]
    dimensions: tuple[Coded, ...] = ()
    unseen: dict[str, Marks] = field(default_factory=dict)
    broken: dict[str, Marks] = field(default_factory=dict)
    texts: dict[str, list[str | None]] = field(default_factory=dict)
