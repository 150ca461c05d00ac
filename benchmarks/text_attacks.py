"""Claim: the attack on texts asks a model in a few large batches what a plain DeepWordBug asks it text by text.

The peer is a plain implementation of DeepWordBug (Gao et al., IEEE S&P Workshops 2018) written here: one text after the
other, one call a query, words by the score without them, the four character edits, the same share of words and the same
budget. Messages are made from templates and a seed (the model: TF-IDF and logistic regression, of words or of letters).
textattack itself is no peer here: it needs 23 distributions, among them flair, and hub weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.harness import Result, compare, show
from shipworthy.evaluate.text.attack import Limits, TextAttack, target_of
from shipworthy.evaluate.text.edits import edited
from shipworthy.evaluate.text.words import Kept, pieces_of
from tests.evaluate.texts import Asked, bench, no_prize
from tests.messages import messages

TEXTS, QUERIES, SHARE = 60, 200, 0.3
SPELLING = ("swap", "delete", "insert", "substitute")
KINDS = {
    "the same four edits": SPELLING,
    "all edits of spelling": (*SPELLING, "keyboard", "homoglyph", "zero_width", "whitespace", "case"),
}
PEER = "DeepWordBug, one text at a time"
Predict = Callable[[Sequence[str]], list[float]]


def run() -> str:
    """Return the times of one text as a table, and below it what each attack found."""
    told = [_row(analyzer, name, kinds) for analyzer in ("word", "char_wb") for name, kinds in KINDS.items()]
    return "\n".join([show([result for result, _ in told]), *(line for _, line in told)])


def _row(analyzer: str, name: str, kinds: tuple[str, ...]) -> tuple[Result, str]:
    predict, attacked = _model(analyzer)
    what = f"{analyzer}: one text, {name}"
    timed = compare(
        what,
        PEER,
        lambda: _ours(predict, attacked, kinds),
        lambda: _peer(predict, attacked),
        rounds=3,
        jobs=len(attacked),
    )
    ours, asked = _ours(predict, attacked, kinds)
    theirs, plain = _peer(predict, attacked)
    n = len(attacked)
    found = f"flips {ours} of {n} at {asked / n:.0f} queries a text; {PEER}: {theirs} at {plain / n:.0f}"
    return timed, f"{what}: {found}"


def _model(analyzer: str) -> tuple[Predict, list[tuple[str, float]]]:
    """A model of messages and texts that it gets right, with their scores."""
    train, test = messages(600, 1, swapped=0.35), messages(400, 2)
    ngrams = (2, 4) if analyzer == "char_wb" else (1, 1)
    model = make_pipeline(TfidfVectorizer(analyzer=analyzer, ngram_range=ngrams), LogisticRegression())
    model.fit([row["text"] for row in train], [row["label"] for row in train])

    def predict(texts: Sequence[str]) -> list[float]:
        return model.predict_proba(texts)[:, 1].tolist()  # type: ignore[no-any-return]

    texts = [str(row["text"]) for row in test]
    scored = zip(texts, predict(texts), test, strict=True)
    return predict, [(text, score) for text, score, row in scored if (score >= 0.5) == (row["label"] == 1)][:TEXTS]


def _ours(predict: Predict, attacked: Sequence[tuple[str, float]], kinds: tuple[str, ...]) -> tuple[int, int]:
    """Return (flips, queries)."""
    asked = Asked(no_prize, batch=predict)
    kept = Kept((), "benchmark")
    limits = Limits(field="text", kinds=kinds, kept=kept, longest=1e9, queries=QUERIES)
    targets = [target_of({"text": text}, pieces_of(text, kept), score, SHARE) for text, score in attacked]
    attack = TextAttack(bench(asked, []), targets, limits, 3)
    attack.run()
    return sum(one.flipped for one in targets), len(asked.texts)


def _peer(predict: Predict, attacked: Sequence[tuple[str, float]]) -> tuple[int, int]:
    """Return (flips, queries) of the plain implementation."""
    rng = np.random.default_rng(3)
    told = [_one(predict, text, score, rng) for text, score in attacked]
    return sum(flipped for flipped, _ in told), sum(queries for _, queries in told)


def _one(predict: Predict, text: str, score: float, rng: np.random.Generator) -> tuple[bool, int]:
    pieces = pieces_of(text, Kept((), "benchmark"))
    sign = 1.0 if score >= 0.5 else -1.0
    weight = {at: sign * predict([pieces.with_words({at: ""})])[0] for at in pieces.words}
    changed: dict[int, str] = {}
    queries, now = len(weight), sign * score
    for at in sorted(weight, key=lambda at: weight[at])[: max(1, int(SHARE * len(pieces.words)))]:
        for kind in SPELLING:
            word = edited(kind, pieces.parts[at], rng)
            if word is None or queries >= QUERIES:
                continue
            queries += 1
            made = sign * predict([pieces.with_words({**changed, at: word})])[0]
            if made < now:
                now, changed = made, {**changed, at: word}
            if now < sign * 0.5:
                return True, queries
    return False, queries
