"""Incidents tell of conditions, not people: a text that names a person of the contract is refused. Pure.

In: a text and the contract's people. Out: the person it names, or None. Whole words are compared, whatever their case
and however their letters are encoded: an id, a full name, or the last word of a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from shipworthy.errors import UsageError
from shipworthy.facts import Person

_WORDS = re.compile(r"[^\W_]+")


def person_named(text: str, people: Iterable[Person]) -> Person | None:
    """Return the first person that a text names, None when it names nobody."""
    said = f" {_plain(text)} "
    return next((one for one in people if any(f" {name} " in said for name in _names(one))), None)


def check_blameless(texts: Iterable[str], people: Iterable[Person], where: str) -> None:
    """Raise UsageError, with one line, at the first text that names a person or says nothing."""
    known = tuple(people)
    for text in texts:
        if not text.strip():
            raise UsageError("a text that says nothing", where, "say what was so, and why it mattered")
        named = person_named(text, known)
        if named is not None:
            raise UsageError(f"this names {named.id}", where, "say what made it possible, not who did it")


def _names(person: Person) -> set[str]:
    words = [_plain(person.id), _plain(person.name)]
    return {name for name in (*words, *_plain(person.name).split()[-1:]) if name}


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(unicodedata.normalize("NFKC", text).casefold()))
