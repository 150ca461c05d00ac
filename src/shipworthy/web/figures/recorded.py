"""Reading recorded series: plain rows become typed points, and their time axis is found.

In: `{"share": [{"t": 1.5, …}], …}` as a story or an export gives it; hours count from Monday 06:00. Out: structs whose
numbers are finite or None. A missing or empty series is an empty list; a row of another shape is an error, because a
figure that leaves out what it cannot read would look better than what happened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from shipworthy.errors import UsageError
from shipworthy.web.axes import Axis, finite, week
from shipworthy.web.markup import fit

Recorded = Mapping[str, object]
Point = TypeVar("Point")

TRAFFIC = ("share", "stage_share", "ood", "review")
ORDERS = ("postures", "ledger")
MOST_ROWS = 60


class _When(msgspec.Struct):
    t: float | None = None
    start: float | None = None
    end: float | None = None


def read(recorded: Recorded, name: str, point: type[Point]) -> list[Point]:
    """Return the points of one series. Raises UsageError when a row does not have the shape of `point`."""
    rows = recorded.get(name) or []
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise UsageError("cannot be drawn: not a list of rows", f"series {name!r}", "see the figure's file")
    try:
        plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
        return [msgspec.convert(row, point) for row in plain]
    except msgspec.ValidationError as error:
        raise UsageError(f"cannot be drawn: {error}", f"series {name!r}", "see the figure's file") from error


def time_axis(recorded: Recorded, names: Sequence[str]) -> Axis:
    """Return the axis that holds every moment of these series, from Monday 06:00 or earlier."""
    moments = [0.0]
    for name in names:
        moments += finite(moment for when in read(recorded, name, _When) for moment in (when.t, when.start, when.end))
    return week(min(moments), max(moments))


def thinned(rows: Sequence[Point], most: int = MOST_ROWS) -> tuple[list[Point], str]:
    """Return every k-th row and the last, and words that say so; all rows and no words when they are few."""
    every = -(-len(rows) // most) if rows else 1
    if every == 1:
        return list(rows), ""
    kept = [*rows[:-1][::every], rows[-1]]
    return kept, f" (one in {every} of {len(rows)}, and the last)"


def shown(value: float | None, form: str = ".3f") -> str:
    """Return a number for a table; a dash for what is not known.

    >>> shown(0.12345), shown(0.00012345, ".3g"), shown(None)
    ('0.123', '0.000123', '–')
    """
    return "–" if value is None else format(value, form)


def _plain(value: object) -> object:
    """Return text that a page can hold, a finite number or None; a number of numpy becomes a plain one."""
    if isinstance(value, str):
        return fit(value)
    item = getattr(value, "item", None)
    number = item() if callable(item) else value
    return None if isinstance(number, float) and not math.isfinite(number) else number
