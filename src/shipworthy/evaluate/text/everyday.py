"""One change of a text that happens every day and says nothing else: a typo, another case, a blank, a mark.

In: a text, a kind of change, a generator, what must stay. Out: the text changed once at a place drawn at random, or
None where it has nothing to change so. No search and no model: the plain cousin of an attack (an invariance test as in
CheckList, Ribeiro et al., ACL 2020). `number` and `name` are for models to which neither may matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from shipworthy.evaluate.text.edits import edited
from shipworthy.evaluate.text.tables import CONTRACTIONS
from shipworthy.evaluate.text.words import Kept, Pieces, pieces_of
from shipworthy.facts.texts import as_text

Rng = np.random.Generator
TYPOS = ("swap", "delete", "insert", "substitute", "keyboard")
LEAST_LETTERS = 4  # of a word that gets a typo: in shorter ones a typo often makes another word
_BLANK = re.compile(r"\s+")
_WIDE = ("  ", "\t", "\n", "\u00a0")


def changed(kind: str, text: str, rng: Rng, kept: Kept) -> str | None:
    """Return the changed text; what must stay has stayed, and it can be read. Raises KeyError on an unknown kind."""
    for made in CHANGES[kind](pieces_of(text, kept), rng):
        if made != text and kept.holds(text, made) and as_text(made) is not None:
            return made
    return None


def _word(*kinds: str, least: int = 1) -> Callable[[Pieces, Rng], Iterator[str]]:
    """A change of one free word by one of these edits; the words take turns until one can be changed."""

    def change(pieces: Pieces, rng: Rng) -> Iterator[str]:
        for place in rng.permutation(len(pieces.free)):
            at = pieces.free[place]
            if sum(letter.isalpha() for letter in pieces.parts[at]) < least and least > 1:
                continue
            for kind in rng.permutation(np.array(kinds)):
                word = edited(str(kind), pieces.parts[at], rng)
                if word is not None:
                    yield pieces.with_words({at: word})

    return change


def _case(pieces: Pieces, rng: Rng) -> Iterator[str]:
    """All of it in capitals, in small letters, or as at the beginning of a sentence; what must stay stays."""
    ways: tuple[Callable[[str], str], ...] = (str.upper, str.lower, str.capitalize)
    for at in rng.permutation(len(ways)):
        yield pieces.with_words({place: ways[at](pieces.parts[place]) for place in pieces.free})


def _whitespace(pieces: Pieces, rng: Rng) -> Iterator[str]:
    """Another blank in place of one, or one at the end."""
    wide = _WIDE[int(rng.integers(len(_WIDE)))]
    blanks = list(_BLANK.finditer(pieces.text))
    for at in rng.permutation(len(blanks)):
        low, high = blanks[at].span()
        yield pieces.text[:low] + wide + pieces.text[high:]
    yield pieces.text + wide


def _contraction(pieces: Pieces, rng: Rng) -> Iterator[str]:
    """`do not` as `don't`, or the other way round."""
    pairs = [*CONTRACTIONS.items(), *((short, long) for long, short in CONTRACTIONS.items())]
    for at in rng.permutation(len(pairs)):
        before, after = pairs[at]
        match = re.search(rf"\b{re.escape(before)}\b", pieces.text, re.IGNORECASE)
        if match is not None:
            said = after.capitalize() if match[0][0].isupper() else after
            yield pieces.text[: match.start()] + said + pieces.text[match.end() :]


def _punctuation(pieces: Pieces, rng: Rng) -> Iterator[str]:
    """The mark at the end left out, or another one put there."""
    bare = pieces.text.rstrip(" .!?,;:")
    ends = ("", ".", "!", "...")
    for at in rng.permutation(len(ends)):
        yield bare + ends[at]


CHANGES: dict[str, Callable[[Pieces, Rng], Iterator[str]]] = {
    "typo": _word(*TYPOS, least=LEAST_LETTERS),
    "case": _case,
    "whitespace": _whitespace,
    "zero_width": _word("zero_width", least=2),
    "homoglyph": _word("homoglyph"),
    "number": _word("number"),
    "name": _word("name"),
    "contraction": _contraction,
    "punctuation": _punctuation,
}
