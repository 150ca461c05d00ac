"""Claim: `decision_ece_p95_24h <= 0.05` leaves a calibrated model alone on 99 % of days and finds one that is not.

Days are simulated: scores of Beta(2, 5), labels with the chance that the score says, or .075 more. Each hour becomes
the label summary that a gateway keeps, and each day is measured and judged as at run time. Beside it stands the rule
that is written without thinking: the 95th percentile over hours of the raw error, against the same target.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from shipworthy.decide import Place, judge
from shipworthy.facts import (
    FIXED,
    SCORE_BINS,
    Action,
    Clause,
    LabelSummary,
    Outcome,
    Scope,
    Slo,
    Target,
)
from shipworthy.observe.measure_labels import Matured, block_ece, calibration_bins
from shipworthy.observe.minutes import start_of
from shipworthy.stats.calibration import ece_raw, merge_to_15, percentile_over_blocks

HOURS, DAYS, FEWER = 24, 500, 100
T0 = 29_000_000
SCOPE = Scope(model="m", version="1")
SLO = Slo(
    name="decision_ece_p95_24h",
    indicator="decision_ece",
    quantile=95,
    objective="Probabilities mean what they say.",
    target=Target(op="<=", value=0.05),
    window="24h",
    action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
    clause=Clause.MONITORING,
    min_samples=300,
)


def run() -> str:
    """Return the table: how often each rule calls a day bad."""
    lines = ["decisions/h  true error  days   breached  undecided   met   | raw p95 above target"]
    for per_hour, gap, days in (
        (100, 0.0, DAYS), (500, 0.0, FEWER), (2000, 0.0, FEWER),
        (100, 0.075, DAYS), (300, 0.075, FEWER), (1000, 0.075, FEWER), (5000, 0.075, FEWER),
    ):  # fmt: skip
        told, raw = _days(per_hour, gap, days)
        shares = [told.count(one) / days for one in (Outcome.BREACHED, Outcome.UNDECIDED, Outcome.MET)]
        judged = f"{shares[0]:8.1%}  {shares[1]:9.1%}  {shares[2]:5.1%}"
        lines.append(f"{per_hour:11d}  {gap:10.3f}  {days:4d}   {judged}  | {raw:.1%}")
    return "\n".join(lines)


def _days(per_hour: int, gap: float, days: int) -> tuple[list[Outcome], float]:
    rng = np.random.default_rng([per_hour, round(1000 * gap)])
    told, raw = list[Outcome](), 0
    for _ in range(days):
        hours = [_hour(rng, per_hour, gap, T0 + 60 * at) for at in range(HOURS)]
        asked = Matured(SCOPE, T0, T0 + 60 * HOURS, T0 + 60 * HOURS)
        told.append(judge(SLO, "*", [block_ece(hours, asked, 95)], _at(asked.as_of), Place.RUNTIME).outcome)
        errors = [ece_raw(merge_to_15(calibration_bins([one]))) for one in hours]
        raw += percentile_over_blocks(errors, 0.95) > SLO.target.value
    return told, raw / days


def _hour(rng: np.random.Generator, n: int, gap: float, minute: int) -> LabelSummary:
    scores = rng.beta(2, 5, n)
    labels = rng.random(n) < np.clip(scores + gap, 0.0, 1.0)
    at = np.minimum((scores * SCORE_BINS).astype(int), SCORE_BINS - 1)

    def summed(weights: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[int, ...]:
        return tuple(round(one) for one in np.bincount(at, weights=weights, minlength=SCORE_BINS).tolist())

    return LabelSummary(
        version="1", arm="baseline", tenant="*", segment="*", minute=minute,
        n=summed(np.ones(n)), positives=summed(labels.astype(float)),
        sum_p=summed(scores * FIXED), sum_pq=summed(scores * (1.0 - scores) * FIXED),
    )  # fmt: skip


def _at(minute: int) -> datetime:
    return datetime.fromisoformat(start_of(minute))
