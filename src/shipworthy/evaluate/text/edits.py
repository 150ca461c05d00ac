"""One change of one word, of a known kind: what a person mistypes, or writes to be read by people and not by machines.

In: a word and a generator. Out: another spelling, or None where the word cannot be changed so. `swap`, `delete`,
`insert` and `substitute` are the four of DeepWordBug (Gao et al., IEEE S&P Workshops 2018); `keyboard` hits the key
beside, `homoglyph` writes a letter of another alphabet that looks the same, `zero_width` a character that is not seen,
`whitespace` breaks the word in two, `case` turns its letters over. `number` and `name` say something else: another
digit, another first name. They belong only where neither may matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from shipworthy.evaluate.text.tables import HOMOGLYPHS, KEYBOARD, LETTERS, NAMES, ZERO_WIDTH

Rng = np.random.Generator
Edit = Callable[[str, Rng], str | None]
_NAMES = {name.lower() for name in NAMES}


def edited(kind: str, word: str, rng: Rng) -> str | None:
    """Return the word changed in this way at one place drawn at random, None where it cannot be. Never the same word.

    Raises KeyError on an unknown kind.
    """
    made = EDITS[kind](word, rng)
    return None if made == word else made


def _swap(word: str, rng: Rng) -> str | None:
    places = [i for i in range(len(word) - 1) if word[i : i + 2].isalpha() and word[i] != word[i + 1]]
    at = _pick(places, rng)
    return None if at is None else word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _delete(word: str, rng: Rng) -> str | None:
    at = _letter(word, rng) if len(word) > 2 else None
    return None if at is None else word[:at] + word[at + 1 :]


def _insert(word: str, rng: Rng) -> str | None:
    at = _letter(word, rng)
    return None if at is None else word[:at] + _like(word[at], LETTERS, rng) + word[at:]


def _substitute(word: str, rng: Rng) -> str | None:
    at = _letter(word, rng)
    return None if at is None else word[:at] + _like(word[at], LETTERS, rng) + word[at + 1 :]


def _keyboard(word: str, rng: Rng) -> str | None:
    at = _pick([i for i, letter in enumerate(word) if letter.lower() in KEYBOARD], rng)
    return None if at is None else word[:at] + _like(word[at], KEYBOARD[word[at].lower()], rng) + word[at + 1 :]


def _homoglyph(word: str, rng: Rng) -> str | None:
    at = _pick([i for i, letter in enumerate(word) if letter in HOMOGLYPHS], rng)
    return None if at is None else word[:at] + HOMOGLYPHS[word[at]] + word[at + 1 :]


def _zero_width(word: str, rng: Rng) -> str | None:
    at = _inside(word, rng)
    return None if at is None else word[:at] + ZERO_WIDTH[int(rng.integers(len(ZERO_WIDTH)))] + word[at:]


def _whitespace(word: str, rng: Rng) -> str | None:
    at = _inside(word, rng) if any(letter.isalpha() for letter in word) else None
    return None if at is None else f"{word[:at]} {word[at:]}"


def _case(word: str, rng: Rng) -> str | None:
    """All letters, or every second one: `URGENT`, `uRgEnT`."""
    if rng.random() < 0.5:
        return word.lower() if word.isupper() else word.upper()
    return "".join(letter.upper() if i % 2 else letter.lower() for i, letter in enumerate(word))


def _number(word: str, rng: Rng) -> str | None:
    """Another digit; the first one never becomes 0."""
    at = _pick([i for i, letter in enumerate(word) if letter in "0123456789"], rng)
    if at is None:
        return None
    others = [digit for digit in "0123456789" if digit != word[at] and (at > 0 or digit != "0")]
    return word[:at] + others[int(rng.integers(len(others)))] + word[at + 1 :]


def _name(word: str, rng: Rng) -> str | None:
    if word.lower() not in _NAMES:
        return None
    others = [name for name in NAMES if name.lower() != word.lower()]
    name = others[int(rng.integers(len(others)))]
    return name.lower() if word.islower() else name.upper() if word.isupper() else name


def _like(letter: str, options: str, rng: Rng) -> str:
    """One of the options that is another letter, as large as this one."""
    others = [one for one in options if one != letter.lower()]
    drawn = others[int(rng.integers(len(others)))]
    return drawn.upper() if letter.isupper() else drawn


def _letter(word: str, rng: Rng) -> int | None:
    return _pick([i for i, letter in enumerate(word) if letter.isalpha()], rng)


def _inside(word: str, rng: Rng) -> int | None:
    return int(rng.integers(1, len(word))) if len(word) > 1 else None


def _pick(places: Sequence[int], rng: Rng) -> int | None:
    return places[int(rng.integers(len(places)))] if places else None


EDITS: dict[str, Edit] = {
    "swap": _swap,
    "delete": _delete,
    "insert": _insert,
    "substitute": _substitute,
    "keyboard": _keyboard,
    "homoglyph": _homoglyph,
    "zero_width": _zero_width,
    "whitespace": _whitespace,
    "case": _case,
    "number": _number,
    "name": _name,
}
