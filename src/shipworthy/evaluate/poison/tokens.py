"""The tokens of a text in which a trigger could hide: words, pairs of neighbours, and characters nobody sees.

In: a text. Out: its words (lower case, compatibility forms made plain, invisible characters taken out), the pairs of
neighbouring words, and as tokens of their own, by code point, every invisible character (Unicode category Cf), every
compatibility form, and every letter of another alphabet inside a Latin word (a homoglyph).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"\w+")
_INVISIBLE = "Cf"


def words(text: str) -> list[str]:
    """Return the words in order.

    >>> words("Call \\u200bback, ＯＫ?")
    ['call', 'back', 'ok']
    """
    if text.isascii():
        return _WORD.findall(text.lower())
    plain = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != _INVISIBLE)
    return _WORD.findall(plain.casefold())


def tokens(text: str) -> set[str]:
    """Return words, bigrams and marks of a text.

    >>> sorted(tokens("pay b\\u0430ck"))
    ['U+0430 in a Latin word', 'b\u0430ck', 'pay', 'pay b\u0430ck']
    """
    found = words(text)
    made = {*found, *(f"{one} {other}" for one, other in pairwise(found))}
    return made if text.isascii() else made | marks(text)


def marks(text: str) -> set[str]:
    """Return the characters of a text that are not what they look like, each as a token."""
    found = {f"U+{ord(char):04X}" for char in text if _hidden(char)}
    for word in _WORD.findall(text):
        scripts = {_script(char) for char in word if char.isalpha()}
        if "LATIN" in scripts and len(scripts) > 1:
            found |= {f"U+{ord(char):04X} in a Latin word" for char in word if _script(char) in _ALIKE}
    return found


_ALIKE = ("ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK")


@lru_cache(maxsize=4096)
def _hidden(char: str) -> bool:
    if char.isascii():
        return False
    return unicodedata.category(char) == _INVISIBLE or _plain(char).isascii()


def _plain(char: str) -> str:
    """The compatibility form, or the character itself: a decomposed accent is how people write, not a disguise."""
    return unicodedata.normalize("NFKC", char)


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]
