"""Text from outside, made fit for one line of a report.

In: any text: a reason, a name, the message of an exception. Out: one line that no terminal, log parser, XML reader or
page takes for anything but text: no control characters (a line break could start a workflow command), none that
reorder what is read, none that UTF-8 cannot hold.
"""

from __future__ import annotations

import unicodedata

_NOT_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_NONCHARACTERS = frozenset({"\ufffe", "\uffff"})


def one_line(text: str, limit: int = 1000) -> str:
    """Return the text on one line, at most `limit` characters long.

    >>> one_line("fine\\n::error::not\\u202efine")
    'fine ::error::not fine'
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(" " if _is_odd(char) else char for char in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_odd(char: str) -> bool:
    return unicodedata.category(char) in _NOT_TEXT or char in _NONCHARACTERS
