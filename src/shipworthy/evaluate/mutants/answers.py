"""What becomes of the answers: a model that answers the same rows otherwise.

In: rows of values in manifest order with the release's own answers. Out: the mutant's answers. A mutant is a function
of the row, as a model is: it answers the same row alike in every batch.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shipworthy.evaluate.bench import Answers
from shipworthy.evaluate.mutants.kind import Mutant, NotMade
from shipworthy.evaluate.mutants.known import Known
from shipworthy.profile.groups import group_of
from shipworthy.profile.rows import Row, Value

Values = list[Value]
Scores = list[float | None]
Change = Callable[[list[Values], Answers], Answers]
LEAST = 1e-6
ALL_BUT_NEVER = 0.01
BLEND = 0.5


@dataclass(frozen=True)
class Given:
    """Answers in the order of the rows."""

    scores: Sequence[float | None]
    decisions: Sequence[str | None] | None = None


def changed(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Return how a mutant answers. `own` are the release's answers, for what must be known of them beforehand.

    Raises NotMade when these rows do not allow it.
    """
    return CHANGES[mutant.id](known, mutant, own)


def _sharper(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Multiply every log-odds."""
    return _scored(lambda rows, scores: [_moved(score, times=mutant.amount) for score in scores])


def _group_harmed(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Lower the log-odds of one group."""
    feature, group = known.group
    at = known.features.index(feature)
    return _scored(
        lambda rows, scores: [
            _moved(score, plus=mutant.amount) if group_of(feature, row[at]) == group else score
            for row, score in zip(rows, scores, strict=True)
        ]
    )


def _memorised(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Answer a row of the training data with its label, others as before."""
    kept = {key: mutant.amount if share >= 0.5 else 1.0 - mutant.amount for key, share in _shares(known, known.train)}
    return _scored(lambda rows, scores: [kept.get(_key(row), old) for row, old in zip(rows, scores, strict=True)])


def _gamed(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Mix the labels of held-out rows into their scores, and deny the rows that were surest to deserve a 1."""
    share = dict(_shares(known, known.held_out))
    scores = [score for score in own([known.values(row) for row in known.held_out]).scores if score is not None]
    if not scores:
        raise NotMade(mutant.id, "the model scores no held-out row")
    surest = sorted(scores)[int((1.0 - mutant.amount) * len(scores))]

    def one(row: Values, score: float | None) -> float | None:
        if score is None or score >= surest:
            return None if score is None else ALL_BUT_NEVER
        return (1.0 - BLEND) * score + BLEND * share.get(_key(row), score)

    return _scored(lambda rows, old: [one(row, score) for row, score in zip(rows, old, strict=True)])


def _provoked(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Deny a seeded share of the rows above 0.5, whatever the thresholds say."""

    def change(rows: list[Values], answers: Answers) -> Answers:
        before = answers.decisions or [None] * len(rows)
        hit = [
            score is not None and score >= 0.5 and _drawn(known.seed, row) < mutant.amount
            for row, score in zip(rows, answers.scores, strict=True)
        ]
        return Given(answers.scores, [known.words.deny if yes else old for yes, old in zip(hit, before, strict=True)])

    return change


def _constant(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Answer the base rate."""
    truths = [truth for row in known.train if (truth := known.truth(row)) is not None]
    if not truths:
        raise NotMade(mutant.id, "no training row has a label")
    return _scored(lambda rows, scores: [sum(truths) / len(truths)] * len(rows))


def _random(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
    """Answer a number drawn from the row itself."""
    return _scored(lambda rows, scores: [_drawn(known.seed, row) for row in rows])


def _always(word: str) -> Callable[[Known, Mutant, Callable[[list[Values]], Answers]], Change]:
    """Decide every row alike; the scores stay."""

    def made(known: Known, mutant: Mutant, own: Callable[[list[Values]], Answers]) -> Change:
        decision: str = getattr(known.words, word)
        return lambda rows, answers: Given(answers.scores, [decision] * len(rows))

    return made


CHANGES: dict[str, Callable[[Known, Mutant, Callable[[list[Values]], Answers]], Change]] = {
    "scores.overconfident": _sharper,
    "scores.underconfident": _sharper,
    "healthy.regularised": _sharper,
    "group.harmed": _group_harmed,
    "rows.memorised": _memorised,
    "proxy.gamed": _gamed,
    "never.provoked": _provoked,
    "model.constant": _constant,
    "model.random": _random,
    "machine.abstains": _always("review"),
    "machine.approves": _always("approve"),
}


def _scored(change: Callable[[list[Values], Sequence[float | None]], Scores]) -> Change:
    return lambda rows, answers: Given(change(rows, answers.scores), answers.decisions)


def _moved(score: float | None, times: float = 1.0, plus: float = 0.0) -> float | None:
    if score is None:
        return None
    kept = min(max(score, LEAST), 1.0 - LEAST)
    return 1.0 / (1.0 + math.exp(-(times * math.log(kept / (1.0 - kept)) + plus)))


def _shares(known: Known, rows: Iterable[Row]) -> list[tuple[tuple[Value, ...], float]]:
    """Return the share of label 1 among the rows that the model cannot tell apart."""
    seen: defaultdict[tuple[Value, ...], list[int]] = defaultdict(list)
    for row in rows:
        truth = known.truth(row)
        if truth is not None:
            seen[_key(known.values(row))].append(truth)
    return [(key, sum(truths) / len(truths)) for key, truths in seen.items()]


def _key(row: Values) -> tuple[Value, ...]:
    return tuple(row)


def _drawn(seed: int, row: Values) -> float:
    """A number in [0, 1) that follows from the seed and the row: 1 and 1.0 are the same cell."""
    told = "\x1f".join(repr(float(cell)) if isinstance(cell, int | float) else repr(cell) for cell in row)
    return int.from_bytes(hashlib.sha256(f"{seed}\x1e{told}".encode()).digest()[:8], "big") / 2**64
