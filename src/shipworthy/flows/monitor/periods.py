"""Periods: which stretch of time, or of rows, a row of a log is counted in.

In: `--every` and the seconds of a row since the epoch. Out: the minute that a period begins with; of a period of rows
its number stands in that place. Weeks begin on Monday, months and years on their first day, all in UTC.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from shipworthy.errors import UsageError
from shipworthy.facts import Fact
from shipworthy.indicators import window_seconds
from shipworthy.observe.frames.columns import Floats, Ints
from shipworthy.observe.minutes import start_of

MONDAY = 4 * 1440  # minutes from the epoch, a Thursday
WEEK = 7 * 1440
LAST = 4_102_444_800.0  # 2100: later times, like those before 1970, are no time of a request
MOST_ROWS = 10**12


class Every(Fact, frozen=True, kw_only=True):
    """How long a period is: `length` minutes, rows, or one calendar unit."""

    kind: Literal["minutes", "rows", "month", "year"]
    length: int = 1

    @property
    def by_time(self) -> bool:
        """True when periods are stretches of time."""
        return self.kind != "rows"

    def starts(self, seconds: Floats) -> Ints:
        """Return the first minute of the period of each moment, all of them usable."""
        if self.kind in ("month", "year"):
            unit = "M" if self.kind == "month" else "Y"
            day = seconds.astype("int64").astype("datetime64[s]").astype(f"datetime64[{unit}]")
            made: Ints = day.astype("datetime64[m]").astype(np.int64)
            return made
        minute = np.floor(seconds / 60.0).astype(np.int64)
        first = MONDAY if self.length % WEEK == 0 else 0
        return minute - (minute - first) % self.length

    def end(self, start: int) -> int:
        """Return the first minute after a period; after a period of rows, its number plus one."""
        if self.kind == "rows":
            return start + 1
        if self.kind == "minutes":
            return start + self.length
        unit = "M" if self.kind == "month" else "Y"
        after = np.datetime64(start, "m").astype(f"datetime64[{unit}]") + 1
        return int(after.astype("datetime64[m]").astype(np.int64))

    def name(self, start: int) -> str:
        """Return what a period is called."""
        if self.kind == "rows":
            return f"rows {start * self.length + 1} to {(start + 1) * self.length}"
        told = start_of(start)
        return {"month": told[:7], "year": told[:4]}.get(self.kind) or (
            told[:10] if self.length % 1440 == 0 else told[:16].replace("T", " ")
        )


def every(text: str) -> Every:
    """Return the length that `--every` names. Raises UsageError.

    >>> every("7d").length, every("10000").kind, every("month").kind
    (10080, 'rows', 'month')
    """
    if text == "month":
        return Every(kind="month")
    if text == "year":
        return Every(kind="year")
    if text.isascii() and text.isdigit() and 0 < int(text) <= MOST_ROWS:
        return Every(kind="rows", length=int(text))
    try:
        seconds = window_seconds(text)
    except ValueError:
        seconds = None
    if seconds is None:
        raise UsageError(f"not a period: {text!r}", "--every", "write 1h, 1d, 7d, month, year or a number of rows")
    return Every(kind="minutes", length=seconds // 60)
