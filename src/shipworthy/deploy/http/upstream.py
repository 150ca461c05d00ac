"""What is asked of the place where a version's scores come from, and what can come back.

In: rows of values in model order. Out: `Scored`, or `UpstreamFailed` with the reason for everything else that can
happen. A `Dialect` is how one kind of server is asked and how its answers are read; the pool that carries the bytes is
the same for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec

from shipworthy.models.spec import Cell


class UpstreamFailed(Exception):
    """No usable answer: `connect`, `reset`, `timeout`, `status 503`, `body` or `score`. `str()` is the reason.

    `sent`: the model may have seen the request. `heard`: at least one byte of an answer came. What was not heard, and
    failed before its time was over, may be asked again; what was not even sent may be asked elsewhere by anybody.
    """

    def __init__(self, reason: str, *, sent: bool = True, heard: bool = True) -> None:
        super().__init__(reason)
        self.sent = sent
        self.heard = heard


class Scored(msgspec.Struct, frozen=True, gc=False):
    """A usable score in [0, 1], and the model's own decision or None."""

    score: float
    decision: str | None = None


class Upstream(Protocol):
    """Where one version's scores come from. `deadline` is in event-loop time; every failure is UpstreamFailed."""

    async def score(self, row: list[Cell], deadline: float) -> Scored: ...
    async def healthy(self, deadline: float) -> bool: ...


class Dialect(Protocol):
    """How one kind of server is asked for scores.

    - `kind`: its name. `path`: where rows are posted. `health`: what answers 200 while it can be asked.
    - `body(rows)`: the JSON of a request. `scores(body, n)`: one score a row from the body of a 200; UpstreamFailed
      unless it is exactly that.
    """

    @property
    def kind(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def health(self) -> str: ...
    def body(self, rows: Sequence[list[Cell]]) -> bytes: ...
    def scores(self, body: bytes, n: int) -> list[Scored]: ...


def usable(score: float | None) -> float:
    """Return a score that a threshold may be held against. Raises UpstreamFailed unless it is a number in [0, 1]."""
    if score is None or not 0.0 <= score <= 1.0:  # NaN is not within anything
        raise UpstreamFailed("score: missing or outside 0 to 1")
    return score


def positive(row: Sequence[float], column: int | None) -> float:
    """Return the score of one row of probabilities by class, of which there may be one, two or more.

    One number is the score. Of two that sum to 1, the second is: classes are in ascending order, as scikit-learn and
    its descendants write them. Of more, `column` says which. Raises UpstreamFailed for anything else.

    >>> positive([0.25], None), positive([0.75, 0.25], None), positive([0.2, 0.3, 0.5], 0)
    (0.25, 0.25, 0.2)
    """
    if len(row) == 1 and column in (None, 0):
        return usable(row[0])
    if not row or (column is None and len(row) != 2) or (column is not None and not 0 <= column < len(row)):
        raise UpstreamFailed(f"score: {len(row)} numbers for one row, say which column is the score")
    for one in row:
        usable(one)
    if not math.isclose(math.fsum(row), 1.0, abs_tol=SUMS_WITHIN):
        raise UpstreamFailed("score: the probabilities of one row do not sum to 1")
    return row[1 if column is None else column]


SUMS_WITHIN = 1e-3  # half-precision outputs are this far off
