"""What a text looks like, in five whole numbers: how long, of what characters, of which words.

In: a text. Out: its length on a log scale (16 steps a doubling), the percentages of letters, digits and characters
outside ASCII, and the percentage of words that fewer than two training rows hold. Nothing of what it means: a fluent
text about something else looks ordinary here. Only the first 10,000 characters are looked at; what comes after them
shows in the length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec

from shipworthy.facts.texts import as_text
from shipworthy.profile.marginals import number_reference
from shipworthy.profile.rows import DeclaredFeature, Row
from shipworthy.profile.shapes import TextReference

MISSING = "missing"
OUT_OF_RANGE = "out_of_range"
SIGNS = ("length", "letters", "digits", "foreign", "unknown")
LOOKED_AT = 10_000
LEAST_ROWS = 2  # rows that hold a word before it is known: one row's own words are as new as those of the next row
STEPS = 16
BITS = 1 << 16
_WORD = re.compile(r"\w+")


class Read(NamedTuple):
    """The numbers of one row by name (None = no text), and the override they are under or ""."""

    numbers: dict[str, int | None]
    override: str


class Sign(msgspec.Struct, frozen=True):
    """A number read off a text, as `number_reference` takes a feature."""

    name: str
    type: str = "int"
    min: float | None = None
    max: float | None = None
    accepted: tuple[str, ...] = ()


class Signs:
    """Reads one text of a row; holds no state between rows."""

    __slots__ = ("_known", "_most", "_nullable", "name", "names")

    def __init__(self, reference: TextReference) -> None:
        self.name = reference.name
        self.names = tuple(one.name for one in reference.signs)
        self._known = bytes.fromhex(reference.known)
        self._most = math.inf if reference.max is None else reference.max
        self._nullable = reference.missing

    def __call__(self, row: Row) -> Read:
        """Return what the row's text shows; an empty or unreadable one is missing, a longer one out of range."""
        text = as_text(row.get(self.name))
        if text is None:
            return Read(dict.fromkeys(self.names), "" if self._nullable else MISSING)
        return Read(
            dict(zip(self.names, signs_of(text, self._known), strict=True)),
            OUT_OF_RANGE if len(text) > self._most else "",
        )


def text_reference(feature: DeclaredFeature, rows: Sequence[Row]) -> TextReference:
    """Return the reference of one text column."""
    texts = [as_text(row.get(feature.name)) for row in rows]
    known = _bits(texts)
    read = [None if text is None else signs_of(text, known) for text in texts]
    return TextReference(
        name=feature.name,
        max=None if feature.max is None else float(feature.max),
        signs=tuple(
            number_reference(Sign(f"{feature.name}.{sign}"), [None if one is None else float(one[at]) for one in read])
            for at, sign in enumerate(SIGNS)
        ),
        known=known.hex(),
        missing=None in read,
    )


def columns_of(texts: Sequence[TextReference], rows: Sequence[Row]) -> dict[str, list[float | None]]:
    """Return the numbers of every text as columns, for what depends on several of them."""
    made: dict[str, list[float | None]] = {}
    for one in texts:
        signs = Signs(one)
        read = [signs(row).numbers for row in rows]
        for name in (sign.name for sign in one.signs):
            made[name] = [None if (value := numbers[name]) is None else float(value) for numbers in read]
    return made


def signs_of(text: str, known: bytes) -> tuple[int, ...]:
    """Return the numbers of a text, in the order of `SIGNS`. `known`: one bit per hash of a known word."""
    seen = text[:LOOKED_AT]
    n = len(seen)
    words = hashes(seen)
    unknown = sum(not known[one >> 3] >> (one & 7) & 1 for one in words)
    return (
        round(STEPS * math.log2(len(text) + 1)),
        100 * sum(map(str.isalpha, seen)) // n,
        100 * sum(map(str.isdigit, seen)) // n,
        100 * (n - len(seen.encode("ascii", "ignore"))) // n,
        100 * unknown // len(words) if words else 0,
    )


def hashes(text: str) -> list[int]:
    """Return the hash of each word, in small letters: the lower 16 bits of its CRC-32."""
    return [crc32(word.encode()) % BITS for word in _WORD.findall(text.lower())]


def _bits(texts: Iterable[str | None]) -> bytes:
    rows = Counter(one for text in texts if text is not None for one in set(hashes(text[:LOOKED_AT])))
    made = bytearray(BITS // 8)
    for one, n in rows.items():
        if n >= LEAST_ROWS:
            made[one >> 3] |= 1 << (one & 7)
    return bytes(made)
