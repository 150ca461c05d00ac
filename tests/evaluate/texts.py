"""A bench of texts whose model is fully known: a score from the words it finds, counted call by call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.bench import Answers, Bench
from shipworthy.profile.rows import Row, Value
from tests.evaluate.benches import SUBJECT, WORDS, Given

TEXT = Feature(name="text", type="text", mutable="yes", max=400)
_WORD = re.compile(r"\w+")
Score = Callable[[str], float | None]
Batch = Callable[[Sequence[str]], Sequence[float | None]]


class Asked:
    """A model over texts that remembers what it was asked."""

    def __init__(self, score: Score, at: int = 0, batch: Batch | None = None) -> None:
        self._at = at
        self._batch = batch or (lambda texts: [score(text) for text in texts])
        self.texts: list[str] = []
        self.calls = 0

    def __call__(self, rows: list[list[Value]]) -> Answers:
        self.calls += 1
        texts = [row[self._at] for row in rows]
        read = [text for text in texts if isinstance(text, str)]
        self.texts += read
        scores = iter(self._batch(read) if read else [])
        return Given([next(scores) if isinstance(text, str) else None for text in texts])


def words(text: str) -> list[str]:
    """The words of a text as the models here see them: in small letters."""
    return _WORD.findall(text.lower())


def no_prize(text: str) -> float:
    """Low where the text holds the word prize; whoever misspells it is let through."""
    return 0.1 if "prize" in words(text) else 0.9


def weighed(weights: Mapping[str, float]) -> Score:
    """A score that falls by the weight of each word found."""
    return lambda text: max(0.0, 0.9 - sum(weights.get(word, 0.0) for word in set(words(text))))


def rows(texts: Sequence[str], labels: Sequence[int]) -> list[Row]:
    return [{"text": text, "y": label, "remark": "seen"} for text, label in zip(texts, labels, strict=True)]


def bench(score: Score | Asked, given: Sequence[Row], **changes: Any) -> Bench:
    model = score if isinstance(score, Asked) else Asked(score)
    told: dict[str, Any] = {
        "subject": SUBJECT,
        "features": (TEXT,),
        "label": "y",
        "datasets": {"test": given},
        "model": model,
        "seed": 7,
        "words": WORDS,
    }
    return Bench(**{**told, **changes})
