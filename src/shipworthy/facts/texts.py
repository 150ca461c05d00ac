"""What the cell of a text feature says: the text exactly as it was sent, or nothing.

In: a cell as a request or a table gives it. Out: text that a model can be asked, or None: an empty cell, one without a
single character that can be seen, one that no UTF-8 can carry, or a flag. Model, profile and evaluation read a text by
this rule alone, so that none of them takes for a text what another takes for a missing one.
"""

from __future__ import annotations

TEXT = "text"
"""The type of such a feature in `shipworthy.yaml`."""


def as_text(cell: float | int | str | bool | None) -> str | None:
    """Return the text unchanged; a number as it is spelled, since tables turn a text of digits into one.

    >>> as_text(" Hello "), as_text(72), as_text(2.5)
    (' Hello ', '72', '2.5')
    >>> as_text(""), as_text(" \\n"), as_text("\\u200b"), as_text("\\ud800"), as_text(True), as_text(float("nan"))
    (None, None, None, None, None, None)
    """
    if isinstance(cell, str):
        return cell if _is_seen(cell) and _is_sendable(cell) else None
    if cell is None or isinstance(cell, bool) or cell != cell:
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def _is_seen(text: str) -> bool:
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def _is_sendable(text: str) -> bool:
    """Lone surrogates have no UTF-8; nothing else in a `str` lacks it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
