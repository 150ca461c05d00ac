"""The rows that counted against a case, at most five, as differences of records.

In: a row as it was, and as a generator changed it. Out: `Example`: the fields that differ, a digest by which the owner
of the data finds the row again, and a line in words. A row that ran as it stands shows none of its values.
"""

from __future__ import annotations

import math

from shipworthy.facts import Example, digest
from shipworthy.profile.rows import Row, Value

MOST = 5


def example(told: str, row: int, before: Row, after: Row | None = None) -> Example:
    """Return the example. `row` = the place among the rows of the case; `after` = the row as it was asked, if changed.

    The words begin with the place and end with the change: `row 3: score .61 -> .44: belt 0 -> 1`.
    """
    moved = {} if after is None else {name: value for name, value in after.items() if _differs(before, name, value)}
    changes = ", ".join(f"{name} {before.get(name)} -> {value}" for name, value in moved.items())
    return Example(
        told=f"row {row}: {told}" + (f": {changes}" if changes else ""),
        row=row,
        input=digest({name: repr(before[name]) for name in sorted(before)}),
        before={name: _cell(before.get(name)) for name in moved},
        after={name: _cell(value) for name, value in moved.items()},
    )


def _differs(before: Row, name: str, value: Value) -> bool:
    return name not in before or _cell(before[name]) != _cell(value)


def _cell(value: Value) -> Value:
    """What is not finite as text: a number in evidence is one."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
