"""Claim: the gate stops what is worse and passes what is not, at stated error rates; simple rules do one or the other.

Simulated releases against a baseline, judged by the whole policy of examples/claims-triage through the product's own
code: paired comparisons from rows, the rest drawn from rates that hold. A row of the table is one rule:

- ours: what `give_verdict` says; `blocked` is its hard no, the rest of what did not ship waits for more rows
- the peers' rules on the same rows: candidate at least as good as the baseline (model validation with a baseline),
  accuracy above a floor, drop within a margin (both points), and "block when McNemar says worse"

Labels follow a probit of hidden causes; each model sees a part of them and answers the exact probability given what it
sees, so every model is calibrated, and error rate and AUROC follow from how much it sees. `same` sees as much as the
baseline, other things though; `worse by the margin` has exactly .02 more error (or less AUROC) than the baseline.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks.harness import lined
from shipworthy.contract.manifest import Feature
from shipworthy.contract.slos import read_slos
from shipworthy.evaluate import held_out, subgroup
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask, Baseline, Bench, asks_of
from shipworthy.evaluate.measure import count, rate
from shipworthy.evaluate.paired import compared, paired_rows, quantised
from shipworthy.facts import Coverage, Decision, Evidence, Measurement, PairedRows, Policy, Subject
from shipworthy.gate.verdict import Question, give_verdict
from shipworthy.indicators import INDICATORS
from shipworthy.profile.rows import Row
from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.paired import mcnemar_exact

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "claims-triage" / "safety-slos.yaml"
SIZES = (50, 100, 200, 300, 500, 1000, 2000)
RELEASES = int(os.environ.get("RELEASES", "300"))
MARGIN, FLOOR = 0.02, 0.70
CUT = 0.42  # of the hidden cause: about a third of the labels are 1
SEEN = 0.52  # share of its variance that the baseline sees: error .27, AUROC .80
HOLDS = {
    "ood_recall": 0.99, "ood_false_alarm": 0.01, "feasible_flip_rate": 0.25, "auto_error_rate": 0.14,
    "review_rate": 0.55, "membership_tpr": 0.012,
}  # fmt: skip
"""True rates of what does not depend on the pair: as the example shows them, inside their targets."""
ZERO = "sha256:" + "0" * 64
OLD = "sha256:" + "1" * 64
SUBJECT = Subject(model="m", version="2", artefact=ZERO, change=ZERO, policy=ZERO, pack=ZERO, data=ZERO, profile=ZERO)
FEATURES = (
    Feature(name="sex", type="category", protected=True),
    Feature(name="age", type="int", protected=True, bins=(25, 65)),
    Feature(name="new", type="float"),
)

Floats = NDArray[np.float64]


class Given(msgspec.Struct):
    """Answers of a model that reads them from the row."""

    scores: list[float | None]
    decisions: None = None


class Scene(msgspec.Struct, frozen=True):
    """What the candidate is: how much of the hidden cause it sees."""

    name: str
    seen: float


def run() -> str:
    """Return the table: how often each rule passes each kind of candidate, by the number of held-out rows."""
    policy, problems = read_slos(EXAMPLE.read_bytes())
    if policy is None:
        raise ValueError(str(problems[0]))
    lines = [("candidate", "rule", *(f"n={n}" for n in SIZES))]
    for scene in scenes():
        found = [_releases(policy, scene, n) for n in SIZES]
        for rule in found[0]:
            lines.append((scene.name, rule, *(f"{one[rule] / RELEASES:.3f}" for one in found)))
    low, high = rate_bounds(round(0.05 * RELEASES), RELEASES)
    told = f"{RELEASES} releases a cell; a cell of .050 stands for {low:.3f} to {high:.3f} (each side at 95 %)"
    return f"{lined(lines)}\n{told}. Shares that pass; in `blocked`, that are told no."


def scenes() -> Iterator[Scene]:
    """Yield the candidates: the same, worse by exactly a margin (in error or in AUROC), three times it, and better."""
    yield Scene("same", SEEN)
    yield Scene("error +.02, the margin", solved(lambda s: error_of(s) - error_of(SEEN) - MARGIN))
    yield Scene("AUROC -.02, the margin", solved(lambda s: auroc_of(SEEN) - auroc_of(s) - MARGIN))
    yield Scene("error +.06", solved(lambda s: error_of(s) - error_of(SEEN) - 3 * MARGIN))
    yield Scene("error -.02", solved(lambda s: error_of(s) - error_of(SEEN) + MARGIN))


def error_of(seen: float) -> float:
    """Return the error rate at .5 of a calibrated model that sees this share of the variance."""
    p = _grid(seen)
    return float(np.mean(np.minimum(p, 1.0 - p)))


def auroc_of(seen: float) -> float:
    """Return its AUROC: P(score of a 1 > score of a 0)."""
    p = np.sort(_grid(seen))
    ones, zeros = p / p.sum(), (1.0 - p) / (1.0 - p).sum()
    return float(np.sum(ones * (np.cumsum(zeros) - 0.5 * zeros)))


def solved(gap: Callable[[float], float]) -> float:
    """Return the share at which `gap` is 0; it falls as more is seen, or rises."""
    low, high = 0.02, 0.98
    rising = gap(high) > gap(low)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if (gap(middle) > 0.0) is rising else (middle, high)
    return 0.5 * (low + high)


def _grid(seen: float) -> Floats:
    z = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    return np.asarray(norm.cdf((math.sqrt(seen) * z - CUT) / math.sqrt(1.0 - seen)), dtype=np.float64)


def _releases(policy: Policy, scene: Scene, n: int) -> Counter[str]:
    passed: Counter[str] = Counter()
    names = ("ours", "ours: blocked", "cand >= base", f"point >= {FLOOR}", f"drop <= {MARGIN}", "McNemar p >= .05")
    passed.update(dict.fromkeys(names, 0))
    for at in range(RELEASES):
        draws = np.random.default_rng([n, at, round(1e6 * scene.seen)])
        labels, new, old = _rows(scene, n, draws)
        verdict = give_verdict(_question(policy, labels, new, old, draws))
        passed["ours"] += verdict.decision is Decision.SHIP
        passed["ours: blocked"] += verdict.decision is Decision.BLOCKED
        for name, good in zip(names[2:], _points(labels, new, old), strict=True):
            passed[name] += good
    return passed


def _rows(scene: Scene, n: int, draws: np.random.Generator) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Labels and the scores of both. They share what both see (nine tenths of the lesser one's share)."""
    both = 0.9 * min(scene.seen, SEEN)
    common, a, b, rest = draws.standard_normal((4, n))
    own_a, own_b = scene.seen - both, SEEN - both
    left = 1.0 - both - own_a - own_b
    if left <= 0.0:
        raise ValueError("two models cannot see more than there is")
    new, old = (math.sqrt(both) * common + math.sqrt(own) * part for own, part in ((own_a, a), (own_b, b)))
    cause = new + math.sqrt(own_b) * b + math.sqrt(left) * rest
    labels = (cause > CUT).astype(np.int64)
    return labels, norm.cdf((new - CUT) / math.sqrt(1.0 - scene.seen)), norm.cdf((old - CUT) / math.sqrt(1.0 - SEEN))


def _question(
    policy: Policy, labels: NDArray[np.int64], new: Floats, old: Floats, draws: np.random.Generator
) -> Question:
    ages = draws.integers(18, 90, len(labels))
    sexes = draws.integers(0, 2, len(labels))
    rows: list[Row] = [
        {"y": int(y), "new": float(p), "sex": "fm"[sex], "age": int(age)}
        for y, p, sex, age in zip(labels, new, sexes, ages, strict=True)
    ]
    bench = Bench(
        subject=SUBJECT, features=FEATURES, label="y", datasets={"test": rows}, seed=int(draws.integers(1 << 30)),
        model=lambda values: Given([float(row[2] or 0.0) for row in values]),
    )  # fmt: skip
    answered = answer(bench, rows)
    own = paired_rows(answered)
    paired = PairedRows(rows=own.rows, scores=quantised([float(p) for p in old]))
    bench = replace(bench, baseline=Baseline(artefact=OLD, paired=paired))
    asks = asks_of(policy)
    measured = [*held_out.evaluate(bench, asks, answered), *subgroup.evaluate(bench, asks, answered)]
    measured = [one for one in measured if one.indicator not in HOLDS]
    measured += [one for ask in asks if (one := _drawn(ask, len(labels), draws)) is not None]
    evidence = Evidence(
        subject=SUBJECT, measurements=compared(bench, answered, measured), cases=(), tool_version="0",
        coverage=Coverage(requested=("all",), executed=("all",)),
    )  # fmt: skip
    return Question(subject=SUBJECT, policy=policy, cases=(), evidence=evidence, baseline=OLD)


def _drawn(ask: Ask, n: int, draws: np.random.Generator) -> Measurement | None:
    """Return what a release that is otherwise in order shows of an indicator that the pair does not decide."""
    if ask.indicator in HOLDS:
        return rate(ask, int(draws.binomial(n, HOLDS[ask.indicator])), n)
    return count(ask, 0, n, "drawn") if INDICATORS[ask.indicator].kind == "count" else None


def _points(labels: NDArray[np.int64], new: Floats, old: Floats) -> tuple[bool, ...]:
    """The peers' rules on accuracy, in the order of their names."""
    good_new, good_old = (new >= 0.5) == labels, (old >= 0.5) == labels
    a, b = float(good_new.mean()), float(good_old.mean())
    p = mcnemar_exact(int((~good_new & good_old).sum()), int((good_new & ~good_old).sum()))
    return a >= b, a >= FLOOR, b - a <= MARGIN, p >= 0.05
