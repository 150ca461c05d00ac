"""A small, fully known bench: rows whose label has the probability the model answers, so every number has a truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from shipworthy.contract.manifest import Feature, Review
from shipworthy.evaluate.bench import Answers, Bench
from shipworthy.facts import Case, Oracle, Subject
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row, Value
from shipworthy.profile.score import Scorer
from shipworthy.profile.thresholds import Thresholds, Words, fit_thresholds

FEATURES = (
    Feature(name="speed", type="int", min=0, max=4),
    Feature(name="amount", type="float", min=0, max=500, mutable="yes", unit="thousand"),
    Feature(name="paid", type="float", min=0, max=500, mutable="decrease"),
    Feature(name="belt", type="bool", mutable="yes"),
    Feature(name="age", type="int", min=0, max=110, unit="years", protected=True, bins=(25, 65)),
    Feature(name="sex", type="category", protected=True),
    Feature(name="supplier", type="category"),
)
WORDS = Words(deny="auto_deny", approve="auto_approve", review="review")
REVIEW = Review(denied=0.15, approved=0.25, delta=0.05, start_n=100, max_uncertainty=0.3, buckets=("supplier",))
ZERO = "sha256:" + "0" * 64
SUBJECT = Subject(model="m", version="2", artefact=ZERO, change=ZERO, policy=ZERO, pack=ZERO, data=ZERO, profile=ZERO)
Score = Callable[[Mapping[str, Value]], float | None]


@dataclass(frozen=True)
class Given:
    scores: Sequence[float | None]
    decisions: Sequence[str | None] | None = None


def model_of(score: Score, features: Sequence[Feature] = FEATURES) -> Callable[[list[list[Value]]], Answers]:
    names = [one.name for one in features]
    return lambda rows: Given([score(dict(zip(names, row, strict=True))) for row in rows])


def truth(row: Mapping[str, Value]) -> float:
    """The probability that the label is 1, and what the honest model answers; an empty field counts as 0."""
    speed, belt, amount = (_number(row[name]) for name in ("speed", "belt", "amount"))
    z = -2.5 + 1.1 * speed + 1.2 * belt - 0.02 * amount
    return 1.0 / (1.0 + math.exp(-min(max(z, -500.0), 500.0)))


def _number(value: Value) -> float:
    assert value is None or isinstance(value, int | float)
    return float(value or 0.0)


def careless(row: Mapping[str, Value]) -> float:
    """Honest on known suppliers; on unknown ones nearly sure that the label is 0."""
    return truth(row) if str(row["supplier"]).startswith("P0") else 0.05 * truth(row)


@cache
def rows(n: int, seed: int) -> list[dict[str, Value]]:
    """Return `n` rows; the same list for the same arguments, so nobody may change one."""
    rng = np.random.default_rng(seed)
    made: list[dict[str, Value]] = []
    for at in range(n):
        amount = float(np.round(rng.gamma(2.0, 20.0), 2))
        row: dict[str, Value] = {
            "speed": int(rng.integers(0, 5)),
            "amount": min(amount, 499.0),
            "paid": float(np.round(min(amount, 499.0) * rng.uniform(0.5, 1.0), 2)),
            "belt": int(rng.integers(0, 2)),
            "age": int(rng.integers(16, 95)),
            "sex": "f" if rng.random() < 0.5 else "m",
            "supplier": f"P0{int(rng.integers(1, 9))}",
        }
        made.append({**row, "crash": f"c{seed}-{at // 2}", "remark": "seen", "y": int(rng.random() < truth(row))})
    return made


@cache
def scorer() -> Scorer:
    return Scorer(fit_profile(FEATURES, rows(3000, 101), rows(1500, 102)))


@cache
def thresholds(score: Score = truth) -> Thresholds:
    known = rows(3000, 103)
    hidden = [{**row, "supplier": "never-seen-before"} for row in known]
    labels = [int(row["y"] or 0) for row in known]
    return fit_thresholds(
        [score(row) for row in known], labels, {"supplier": ([score(row) for row in hidden], labels)}, REVIEW, WORDS
    )


def bench(score: Score = truth, datasets: Mapping[str, Sequence[Row]] | None = None, **changes: object) -> Bench:
    features = changes.get("features", FEATURES)
    given: dict[str, object] = {
        "subject": SUBJECT,
        "features": FEATURES,
        "label": "y",
        "datasets": datasets if datasets is not None else {"test": rows(2000, 104)},
        "model": model_of(score, features),  # type: ignore[arg-type]
        "seed": 7,
        "scorer": scorer(),
        "thresholds": thresholds(),
        "words": WORDS,
        "unit": "crash",
    }
    return Bench(**{**given, **changes})  # type: ignore[arg-type]


def case(
    id: str = "case.one",
    hits: str | None = "decision == 'auto_deny'",
    among: str = "label == 1",
    op: str = "<=",
    target: float = 0.15,
    *,
    rows: str | None = "test",
    where: str = "true",
    generator: dict[str, object] | None = None,
    metric: str | None = None,
    severity: str = "blocker",
    trial: bool = False,
    segment: str = "*",
    kind: str = "tail",
) -> Case:
    given = None if generator is not None or rows is None else {"rows": rows, "where": where}
    oracle = Oracle(name="o", hits=None if metric else hits, among=among, metric=metric, op=op, target=target)
    return Case(
        id=id,
        clause="robustness",
        kind=kind,
        oracle=oracle,
        severity=severity,
        owner="ml",
        input=given,
        generator=generator,
        segment=segment,
        trial=trial,
    )
