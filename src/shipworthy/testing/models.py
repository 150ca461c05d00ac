"""Models that no evaluator may be fooled by: silent, not a number, crashing, miscounting, guessing, wavering.

In: nothing, or a bench's own model. Out: a model as a bench takes it. What each must not be called lies in
`testing/evaluators.py`.
"""

from __future__ import annotations

import math
from itertools import count

import numpy as np

from shipworthy.evaluate.bench import Answers, Model
from shipworthy.profile.rows import Value
from shipworthy.testing.bench import Given

Batch = list[list[Value]]
JITTER = 0.2


def silent(rows: Batch) -> Answers:
    """Answer nothing to any row."""
    return Given([None] * len(rows))


def not_a_number(rows: Batch) -> Answers:
    """Answer NaN to every row."""
    return Given([math.nan] * len(rows))


def crashing(rows: Batch) -> Answers:
    """Fall over. Raises RuntimeError."""
    raise RuntimeError("the model fell over")


def constant(score: float) -> Model:
    """Answer the same to every row."""
    return lambda rows: Given([score] * len(rows))


def guessing(seed: int = 1) -> Model:
    """Answer at random, otherwise each time."""
    calls = count()
    return lambda rows: Given(np.random.default_rng([seed, next(calls)]).random(len(rows)).tolist())


def wrong_length(model: Model, more: int) -> Model:
    """Answer `more` rows than asked (-1: one less)."""

    def answer(rows: Batch) -> Answers:
        scores = [*model(rows).scores, *([0.5] * max(0, more))]
        return Given(scores[: len(rows) + more])

    return answer


def wavering(model: Model, seed: int = 1) -> Model:
    """Answer as the model, give or take JITTER, otherwise each time."""
    calls = count()

    def answer(rows: Batch) -> Answers:
        noise = np.random.default_rng([seed, next(calls)]).uniform(-JITTER, JITTER, len(rows))
        return Given([_moved(score, by) for score, by in zip(model(rows).scores, noise.tolist(), strict=True)])

    return answer


class Metered:
    """A model that counts its calls and the rows it was asked."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.calls: int = 0
        self.rows: int = 0

    def __call__(self, rows: Batch) -> Answers:
        self.calls += 1
        self.rows += len(rows)
        return self._model(rows)


def _moved(score: float | None, by: float) -> float | None:
    return None if score is None else min(1.0, max(0.0, score + by))
