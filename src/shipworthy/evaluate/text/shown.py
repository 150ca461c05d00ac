"""How changed texts are shown: the words that differ, with every strange character spelled out.

In: words before and after. Out: texts that are safe in a terminal, a page or a review: a character that cannot be seen,
turns the line round or only looks like the letter before it stands there as `\\u0435`. Whole texts are not shown: they
are people's own words, and the digest of the row finds it again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.evaluate.examples import example
from shipworthy.facts import Example
from shipworthy.profile.rows import Row

LONGEST = 120
Pair = tuple[str, str]


def spelled(text: str, known: str = "") -> str:
    """Return the text with all that is not printable, or is outside ASCII and not among `known`, as escapes; cut off at
    120 characters.

    >>> spelled("fr\\u0435e\\u200b"), spelled("café", "café")
    ('fr\\\\u0435e\\\\u200b', 'café')
    """
    made = "".join(_one(letter, known) for letter in text[: LONGEST + 1])
    return made if len(text) <= LONGEST and len(made) <= 6 * LONGEST else f"{made[:LONGEST]}…"


def text_example(told: str, place: int, row: Row, field: str, words: Sequence[Pair]) -> Example:
    """Return the example of one row: `words` are (before, after), in the order of the text."""
    pairs = [(spelled(before, before), spelled(after, before)) for before, after in words]
    changes = ", ".join(f"{before} -> {after}" for before, after in pairs)
    made = example(told, place, row)
    return msgspec.structs.replace(
        made,
        told=f"{made.told}: {changes}",
        before={field: " … ".join(before for before, _ in pairs)},
        after={field: " … ".join(after for _, after in pairs)},
    )


def differing(before: str, after: str) -> list[Pair]:
    """Return the one stretch in which two texts differ, grown to whole words."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    while start > 0 and not before[start - 1].isspace():
        start -= 1
    while end > 0 and not before[len(before) - end].isspace():
        end -= 1
    return [(before[start : len(before) - end], after[start : len(after) - end])]


def _one(letter: str, known: str) -> str:
    if letter.isprintable() and (letter.isascii() or letter in known):
        return letter
    return letter.encode("unicode_escape").decode()
