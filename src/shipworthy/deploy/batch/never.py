"""Never events asked of columns: for each row which are true and which cannot be told.

In: the compiled never events and named columns. Out: one code a row. Rows that a vector cannot be trusted with are
asked one by one with their own values, as a single request is: never skipped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shipworthy.deploy.batch.expressions import TRUE, UNKNOWN, evaluate
from shipworthy.deploy.batch.ranks import Groups, grouped
from shipworthy.deploy.batch.table import Cell, Stored
from shipworthy.deploy.neverevents import NeverEvents
from shipworthy.expr import Expression

_OUTCOMES = 3  # false, true, unknown


def asked(never: NeverEvents, n: int, columns: Callable[[str], Stored], cell: Callable[[str, int], Cell]) -> Groups:
    """Return the rows grouped by what the never events say of them: rows of one group have the same answers.

    `cell(name, row)` gives one value, for the rows that are asked alone.
    """
    return grouped(n, [(_told(one, n, columns, cell), _OUTCOMES) for _, one in never.compiled])


def _told(
    one: Expression, n: int, columns: Callable[[str], Stored], cell: Callable[[str, int], Cell]
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    told = evaluate(one, n, columns)
    kind = told.kind
    for row in np.flatnonzero(told.doubt).tolist():
        seen = one({name: cell(name, row) for name in one.names})
        kind[row] = UNKNOWN if seen is None else TRUE * seen
    return kind
