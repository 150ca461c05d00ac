"""Claims triage by a table: a score, then the rule of the accident year.

In: claims as feature -> value. Out: for each a score (probability that the serious-injury benefit is due) and a
decision. Everything it knows is in `triage.json` beside it. Plain Python: it runs wherever claims are taken in.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Claim = Mapping[str, Any]

TABLES: dict[str, Any] = json.loads(Path(__file__).with_name("triage.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Rule:
    """Close below `deny`, pay from `approve` on, ask a person when the denial would be too uncertain."""

    deny: float = 0.45
    approve: float = 0.75
    max_uncertainty: float = 1.0


RULES = {
    "1997": Rule(deny=0.15, max_uncertainty=0.30),
    "1998": Rule(deny=0.15, max_uncertainty=0.30),
    "1999": Rule(deny=0.16, max_uncertainty=0.30),
    "2000": Rule(deny=0.16, max_uncertainty=0.30),
    "2001": Rule(deny=0.16, max_uncertainty=0.30),
}


def score_of(claim: Claim) -> float:
    """Return the probability that the benefit is due (logistic regression, one-hot for everything but age)."""
    total = TABLES["intercept"]
    for name, slope in TABLES["slopes"].items():
        value = claim[name] if claim[name] is not None else TABLES["medians"][name]
        total += slope * float(value)
    for name, weights in TABLES["weights"].items():
        total += weights.get(str(claim[name]), 0.0)
    return 1.0 / (1.0 + math.exp(-total))


def uncertainty_of(score: float) -> float:
    """Return the upper bound of the serious rate among claims with scores like this one."""
    bounds: list[float] = TABLES["uncertainty"]
    return bounds[bisect_right(TABLES["edges"], score)]


def decide(claim: Claim, score: float) -> str:
    """Return the decision under the rule of the accident year."""
    rule = RULES.get(str(claim["year"]), Rule())
    if score >= rule.approve:
        return "auto_approve"
    if score <= rule.deny and uncertainty_of(score) <= rule.max_uncertainty:
        return "auto_deny"
    return "review"


def triage(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """Return a score and a decision for each claim."""
    answers = []
    for claim in claims:
        score = score_of(claim)
        answers.append({"score": score, "decision": decide(claim, score)})
    return answers
