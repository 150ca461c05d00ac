"""Find the fewest words whose spelling flips the class, all rows in lock step, so that a round costs one call.

In: a bench, rows whose text the model gets right, the kinds of edits, budgets. Out: per row the changed words that flip
it, or none. Rounds: every free word left out once (how far does the score move without it: greedy importance) -> the
words in that order, several edits of each, the best one kept -> each changed word put back where the flip survives.
What must stay, the declared length and the share of words that may change are checked before every query, so that
everything asked is a text that could have been sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.text.edits import edited
from shipworthy.evaluate.text.words import Kept, Pieces
from shipworthy.facts.texts import as_text
from shipworthy.profile.rows import Row

CONFIRM = 2  # a flip counts only if it holds each time it is asked again: one lucky answer of a noisy model does not
WEIGHED = 0.4  # share of the budget that may go into weighing words; of more words as many are drawn
_LEAST = 1e-12  # a score of one half is of the high class: it is past the border by the least there is
MOST_TRIES = 3  # edits of one kind tried on one word


class Edit(NamedTuple):
    """A word as it is now written, and the kind of edit that made it so."""

    kind: str
    word: str


@dataclass(slots=True)
class Target:
    """One text under attack: what is changed in it, how far its score has gone, and what it has cost."""

    row: Row
    pieces: Pieces
    high: bool
    gain: float
    most: int
    edits: dict[int, Edit] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    flipped: bool = False
    spent: int = 0

    def text(self, edits: Mapping[int, Edit]) -> str:
        """Return the text with these edits."""
        return self.pieces.with_words({at: edit.word for at, edit in edits.items()})


class Try(NamedTuple):
    """A text to ask: a target, and the edits it would have."""

    target: Target
    edits: dict[int, Edit]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`field` holds the text; `kept` must stay, no text is longer than `longest`; a row is asked `queries` times."""

    field: str
    kinds: tuple[str, ...]
    kept: Kept
    longest: float
    queries: int


class TextAttack:
    """The attack on a batch of targets."""

    def __init__(self, bench: Bench, targets: Sequence[Target], limits: Limits, seed: int) -> None:
        self.bench, self.targets, self.limits = bench, list(targets), limits
        self._rng = np.random.default_rng(seed)
        self._budget = limits.queries - CONFIRM

    def run(self) -> None:
        """Attack every target, then confirm what was found."""
        self._weigh()
        longest = max((len(one.order) for one in self.targets), default=0)
        for rank in range(longest):
            self._change(rank)
        self._put_back()
        self._budget += CONFIRM
        for _ in range(CONFIRM):
            found = [one for one in self.targets if one.flipped]
            for one, gain in zip(found, self._gains([Try(one, one.edits) for one in found]), strict=True):
                one.flipped = gain is not None and gain > 0.0
        for one in self.targets:
            one.flipped = one.flipped and self.is_valid(one)

    def is_valid(self, target: Target) -> bool:
        """True when what was found is a text that could have been sent; reads only the text and the limits."""
        after = target.text(target.edits)
        return (
            after != target.pieces.text
            and 0 < len(target.edits) <= target.most
            and set(target.edits) <= set(target.pieces.free)
            and self._may_be_sent(target, after)
        )

    def _may_be_sent(self, target: Target, text: str) -> bool:
        kept = self.limits.kept.holds(target.pieces.text, text)
        return kept and len(text) <= self.limits.longest and as_text(text) is not None

    def _gains(self, tries: Sequence[Try]) -> list[float | None]:
        """Return how far each text is past the class border (above 0: flipped), None where it was not or could not be
        asked: it is unchanged, may not be sent, is beyond the budget, or got no score."""
        texts = [one.target.text(one.edits) for one in tries]
        asked: list[int] = []
        for place, ((target, _), text) in enumerate(zip(tries, texts, strict=True)):
            if target.spent < self._budget and text != target.pieces.text and self._may_be_sent(target, text):
                target.spent += 1
                asked.append(place)
        rows = [{**tries[place].target.row, self.limits.field: texts[place]} for place in asked]
        scores, _ = self.bench.ask(rows)
        gains: list[float | None] = [None] * len(tries)
        for place, score in zip(asked, scores, strict=True):
            gains[place] = None if score is None else _past(score, tries[place].target.high)
        return gains

    def _weigh(self) -> None:
        """Order the free words of every target by what leaving them out does."""
        tries = [
            Try(one, {at: Edit("", "")})
            for one in self.targets
            for at in _drawn(one.pieces.free, int(WEIGHED * self._budget), self._rng)
        ]
        weights: dict[int, list[tuple[float, int]]] = {}
        for (target, left_out), gain in zip(tries, self._gains(tries), strict=True):
            (at,) = left_out
            weights.setdefault(id(target), []).append((-np.inf if gain is None else gain, at))
        for target in self.targets:
            weighed = sorted(weights.get(id(target), []), key=lambda one: (-one[0], one[1]))
            target.order = [at for _, at in weighed]

    def _change(self, rank: int) -> None:
        """Try edits of the word at this place of every target's order; keep the one that goes furthest."""
        tries: list[Try] = []
        for one in self.targets:
            if not one.flipped and rank < len(one.order) and len(one.edits) < one.most:
                tries += [Try(one, {**one.edits, one.order[rank]: edit}) for edit in self._edits(one, one.order[rank])]
        for (target, edits), gain in zip(tries, self._gains(tries), strict=True):
            if gain is not None and gain > target.gain:
                target.gain, target.edits, target.flipped = gain, edits, gain > 0.0

    def _edits(self, target: Target, at: int) -> list[Edit]:
        """Different spellings of one word: as many of each kind as the budget allows for all words that may change."""
        share = (self._budget - len(target.order)) // max(1, target.most)
        tries = max(1, min(MOST_TRIES, share // len(self.limits.kinds)))
        made: dict[str, Edit] = {}
        for kind in self.limits.kinds:
            for _ in range(tries):
                word = edited(kind, target.pieces.parts[at], self._rng)
                if word is not None:
                    made.setdefault(word, Edit(kind, word))
        return list(made.values())

    def _put_back(self) -> None:
        """Put changed words back one by one, the first changed last, where the text still flips without the change."""
        found = [one for one in self.targets if one.flipped and len(one.edits) > 1]
        changed = {id(one): list(one.edits)[::-1] for one in found}
        for rank in range(max((len(places) for places in changed.values()), default=0)):
            tries = [
                Try(one, {at: edit for at, edit in one.edits.items() if at != changed[id(one)][rank]})
                for one in found
                if rank < len(changed[id(one)]) and len(one.edits) > 1
            ]
            for (target, edits), gain in zip(tries, self._gains(tries), strict=True):
                if gain is not None and gain > 0.0:
                    target.edits, target.gain = edits, gain


def target_of(row: Row, pieces: Pieces, score: float, most_changed: float) -> Target:
    """Return an untouched target; at least one word of it may change."""
    high = score >= 0.5
    return Target(row, pieces, high, _past(score, high), max(1, int(most_changed * len(pieces.words))))


def _past(score: float, high: bool) -> float:
    """How far a score is past the border at one half: a score of .5 itself belongs to the high class."""
    return 0.5 - score if high else score - 0.5 + _LEAST


def _drawn(places: Sequence[int], most: int, rng: np.random.Generator) -> list[int]:
    if len(places) <= most:
        return list(places)
    return [places[at] for at in np.sort(rng.permutation(len(places))[:most])]
