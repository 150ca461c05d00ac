"""What people may write on one line: the name of a version, and the reason of a decision.

In: text from a shell, a manifest or a request. Out: whether it can be kept and shown as it is. A version's name is a
folder, a part of a URI and a word in every list; a reason stands in the ledger. Neither may hold a character that does
something, or a lone surrogate, which stands for bytes that are no UTF-8 and cannot be written again.
"""

from __future__ import annotations

import re

from shipworthy.errors import UsageError

MOST_VERSION = 100  # characters
MOST_WORDS = 4_000
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
VERSION_FIX = f"at most {MOST_VERSION} letters, digits and . _ + - beginning with a letter or digit"


def is_version(text: str) -> bool:
    """True for a text that can name a version.

    >>> [is_version(text) for text in ("1", "2027.1-rc.2+a", "", "../1", ".1", "1\\n2", "*")]
    [True, True, False, False, False, False, False]
    """
    return len(text) <= MOST_VERSION and _VERSION.fullmatch(text) is not None


def unfit(text: str) -> str:
    """Return why a text cannot be kept on one line; empty when it can.

    >>> unfit("a reason"), unfit("two\\nlines")
    ('', 'not plain text on one line')
    """
    if len(text) > MOST_WORDS:
        return f"longer than {MOST_WORDS} characters"
    return "" if text.replace("\u00a0", " ").isprintable() else "not plain text on one line"


def on_one_line(text: str) -> str:
    """Return prose with its lines joined."""
    return " ".join(text.split())


def check_decision(version: str, because: str) -> None:
    """Raise UsageError unless a decision can be about `version` (`*` = all), and `because` can be kept."""
    if version != "*" and not is_version(version):
        raise UsageError("no version can have this name", "--version", f"{VERSION_FIX}; or `*` for all")
    if wrong := unfit(on_one_line(because)):
        raise UsageError(wrong, "--because", "say it in plain words")
