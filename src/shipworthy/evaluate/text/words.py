"""A text as words and what stands between them, and which of the words may be touched.

In: a text, and patterns of what must stay (a policy number, a date). Out: its pieces, which put together again give the
text to the letter; and a judge that tells of any other text whether all that must stay is still there, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shipworthy.errors import ContractError

_WORD = re.compile(r"\w+(?:['’]\w+)*")


class Kept:
    """What must not change. Raises ContractError for a pattern that cannot be read, or that finds nothing at all."""

    def __init__(self, patterns: Iterable[object], where: str) -> None:
        self._patterns = tuple(_compiled(str(one), where) for one in patterns)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Return where in the text something must stay."""
        return [match.span() for pattern in self._patterns for match in pattern.finditer(text)]

    def holds(self, before: str, after: str) -> bool:
        """True when every pattern finds the same things in the same order in both."""
        return all(_found(pattern, before) == _found(pattern, after) for pattern in self._patterns)


@dataclass(frozen=True, slots=True)
class Pieces:
    """`parts` joined are the text; `words` are the places of its words among them, `free` of those that may change."""

    text: str
    parts: tuple[str, ...]
    words: tuple[int, ...]
    free: tuple[int, ...]

    def with_words(self, changed: Mapping[int, str]) -> str:
        """Return the text with other words at some places."""
        return "".join(changed.get(at, part) for at, part in enumerate(self.parts)) if changed else self.text


def pieces_of(text: str, kept: Kept) -> Pieces:
    """Return the pieces of a text. A word that touches what must stay is not free."""
    held = kept.places(text)
    parts: list[str] = []
    words: list[int] = []
    free: list[int] = []
    end = 0
    for match in _WORD.finditer(text):
        parts += [text[end : match.start()], match[0]]
        end = match.end()
        words.append(len(parts) - 1)
        if not any(low < match.end() and match.start() < high for low, high in held):
            free.append(len(parts) - 1)
    return Pieces(text, (*parts, text[end:]), tuple(words), tuple(free))


def _compiled(pattern: str, where: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as fault:
        raise ContractError(f"keep: {pattern!r} cannot be read: {fault}", where, "write a regular expression") from None
    if compiled.search(""):
        told = f"keep: {pattern!r} is found in an empty text: it keeps nothing"
        raise ContractError(told, where, "write what has at least one character")
    return compiled


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    return [match[0] for match in pattern.finditer(text)]
