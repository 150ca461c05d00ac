"""What a row is to this package, and how one cell becomes a number or a category.

In: a mapping from column to cell, as a request or a CSV gives it. Out: a float, a text, or nothing, by the same rules
wherever a row is looked at, so that fitting, serving and probing never disagree about what a cell means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Value = float | int | str | None
Row = Mapping[str, Value]

CATEGORY = "category"
LARGEST = 1e300  # beyond it arithmetic on a cell may overflow: not a number anybody meant


class DeclaredFeature(Protocol):
    """What is read of a declared input. `type` is `int`, `float`, `bool`, `category` or `text`; `min`, `max` bound
    numbers, `max` the characters of a text; `accepted` are categories that the contract knows though the model does
    not."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def min(self) -> float | None: ...
    @property
    def max(self) -> float | None: ...
    @property
    def accepted(self) -> tuple[str, ...]: ...


def is_missing(value: Value) -> bool:
    """True for an empty cell: None, or the empty text that some senders write for it."""
    return value is None or value == ""


def as_number(value: Value) -> float | None:
    """Return the cell as a float, or None: text, NaN, infinities and what is beyond LARGEST are not numbers here.

    >>> as_number(3), as_number("3"), as_number(float("nan"))
    (3.0, None, None)
    """
    if isinstance(value, int | float):
        return float(value) if -LARGEST < value < LARGEST else None
    return None


def as_category(value: Value) -> str | None:
    """Return the cell as a category, None if empty. A code that was read as a whole number is that number's text.

    >>> as_category("P02"), as_category(72), as_category(72.0), as_category("")
    ('P02', '72', '72', None)
    """
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
