"""The shape of a foreign JSON file, asked for field by field: what is not as expected is refused with one line.

In: plain values and a place in words. Out: the value, of the type asked for. Raises CannotDecide (exit code 4).
"""

from __future__ import annotations

from typing import Any, NoReturn

from shipworthy.errors import CannotDecide


def refuse(what: str, where: str) -> NoReturn:
    """Raise CannotDecide: this file is not what its format says."""
    raise CannotDecide(what, where, "export it again, or import another file")


def mapping(value: object, where: str) -> dict[str, Any]:
    """Return `value` when it is a mapping."""
    return value if isinstance(value, dict) else refuse("a mapping is expected here", where)


def listing(value: object, where: str) -> list[Any]:
    """Return `value` when it is a list."""
    return value if isinstance(value, list) else refuse("a list is expected here", where)


def text(value: object, where: str) -> str:
    """Return `value` when it is text that is not empty."""
    return value if isinstance(value, str) and value else refuse("text is expected here", where)


def count(value: object, where: str) -> int:
    """Return `value` when it is a whole number of at least 0."""
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good and isinstance(value, int) else refuse("a count is expected here", where)


def version(value: object, known: tuple[int, ...], where: str) -> int:
    """Return `value` when it is one of the versions we know."""
    if type(value) is int and value in known:
        return value
    refuse(f"version {value!r} is not known; known: {', '.join(map(str, known))}", where)
