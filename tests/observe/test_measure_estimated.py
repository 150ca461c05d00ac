"""The error rate before labels come: against the labels that would have come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from shipworthy.decide import Place, judge
from shipworthy.facts import SCORE_BINS, Action, Clause, Measurement, Outcome, Slo, Target, WindowSummary
from shipworthy.observe.known import ScoreCounts, score_counts
from shipworthy.observe.measure_estimated import Cell, cells, estimated_error_rate
from shipworthy.observe.minutes import start_of
from shipworthy.observe.over import Over
from tests.observe.made import REFERENCE, SCOPE, T0

OVER = Over(SCOPE, T0, T0 + 1, source="estimated")
Floats = NDArray[np.float64]


def window(scores: Floats) -> WindowSummary:
    counts = np.bincount(np.minimum((scores * SCORE_BINS).astype(int), SCORE_BINS - 1), minlength=SCORE_BINS)
    return WindowSummary(
        version="2.0", arm="candidate", tenant="*", segment="*", minute=T0, reference=REFERENCE, n=int(scores.size),
        scores=tuple(counts.tolist()),
    )  # fmt: skip


def known(rng: np.random.Generator, scores: Floats, truth: Callable[[Floats], Floats]) -> ScoreCounts:
    labels = rng.random(scores.size) < truth(scores)
    return score_counts(zip(scores.tolist(), labels.astype(int).tolist(), strict=True))


def numbers(told: Measurement) -> tuple[float, float, float]:
    assert told.value is not None
    assert told.lo is not None
    assert told.hi is not None
    return told.value, told.lo, told.hi


def honest(p: Floats) -> Floats:
    return p


def boastful(p: Floats) -> Floats:
    """Closer to one half than the score says."""
    return np.asarray(0.5 + 0.5 * (p - 0.5))


def late(p: Floats) -> Floats:
    """Right of where the score says, so that recalibration moves scores across one half."""
    return np.clip(p + 0.15, 0.0, 1.0)


@pytest.mark.parametrize("truth", [honest, boastful, late])
@pytest.mark.parametrize("n", [450, 3000])
def test_the_bounds_hold_as_often_as_they_say(truth: Callable[[Floats], Floats], n: int) -> None:
    """120 simulations at .95 each side: fewer than 105 would have a chance below 1 in 1,000."""
    rng = np.random.default_rng(n)
    grid = np.random.default_rng(0).beta(2, 3, 200_000)
    true = float(np.where(grid < 0.5, truth(grid), 1.0 - truth(grid)).mean())
    found = [
        numbers(estimated_error_rate([window(rng.beta(2, 3, 5000))], known(rng, rng.beta(2, 3, n), truth), OVER))
        for _ in range(120)
    ]
    assert sum(lo <= true for _, lo, _ in found) >= 105
    assert sum(hi >= true for _, _, hi in found) >= 105
    assert abs(float(np.mean([value for value, _, _ in found])) - true) < 0.01
    assert float(np.mean([hi - lo for _, lo, hi in found])) < (0.14 if n == 450 else 0.07)


def test_where_recalibration_keeps_the_side_it_is_the_mean_of_one_minus_max_p() -> None:
    rng = np.random.default_rng(3)
    scores = rng.beta(0.5, 0.5, 20_000)
    told = estimated_error_rate([window(scores)], known(rng, rng.beta(0.5, 0.5, 40_000), honest), OVER)
    assert numbers(told)[0] == pytest.approx(float(np.minimum(scores, 1.0 - scores).mean()), abs=0.008)
    assert told.source == "estimated"
    assert "no label seen" in told.method


def test_it_follows_traffic_that_has_moved_to_uncertain_scores() -> None:
    rng = np.random.default_rng(4)
    before = known(rng, rng.uniform(size=5000), honest)
    sure, unsure = rng.choice([0.05, 0.95], 2000), rng.uniform(0.4, 0.6, 2000)
    low, high = (numbers(estimated_error_rate([window(one)], before, OVER)) for one in (sure, unsure))
    assert low[2] < 0.12
    assert high[1] > 0.4


def test_scores_where_no_calibration_row_lies_count_for_and_against() -> None:
    before = score_counts([(0.1, 0)] * 300)
    live = window(np.array([0.1] * 900 + [0.9] * 100))
    value, lo, hi = numbers(estimated_error_rate([live], before, OVER))
    assert (value, lo) == (0.0, 0.0)
    assert hi > 0.1
    told = estimated_error_rate([window(np.array([0.1] * 400 + [0.9] * 600))], before, OVER)
    assert told.value is None
    assert "60.0% of scores where none of them lies" in told.method


@pytest.mark.parametrize("before", [None, score_counts([]), score_counts([(0.2, None)] * 400)])
def test_without_labelled_calibration_rows_there_is_no_estimate(before: ScoreCounts | None) -> None:
    told = estimated_error_rate([window(np.full(500, 0.2))], before, OVER)
    assert (told.value, told.n) == (None, 500)
    assert estimated_error_rate([], score_counts([(0.2, 1)] * 400), OVER).value is None


def test_cells_hold_twenty_rows_and_end_at_one_half() -> None:
    rng = np.random.default_rng(6)
    before = known(rng, rng.beta(3, 3, 200), honest)
    found = cells([1] * SCORE_BINS, before)
    assert sum(one.live for one in found) == SCORE_BINS
    assert sum(one.rows for one in found) == 200
    assert all(one.rows >= 20 for one in found)
    below = sum(before.labelled[:30])
    assert below in np.cumsum([one.rows for one in found]).tolist()
    assert cells([2] * SCORE_BINS, score_counts([(0.1, 1)] * 5)) == [Cell(5, 5, 60), Cell(0, 0, 60)]


@pytest.mark.parametrize(
    ("target", "outcome"), [(0.5, Outcome.MET), (0.05, Outcome.BREACHED), (0.27, Outcome.UNDECIDED)]
)
def test_an_estimate_is_judged_like_any_other_number(target: float, outcome: Outcome) -> None:
    rng = np.random.default_rng(7)
    told = estimated_error_rate([window(rng.beta(2, 5, 1000))], known(rng, rng.beta(2, 5, 2000), honest), OVER)
    slo = Slo(
        name="estimated_error_rate_1h", indicator="estimated_error_rate", objective="o", window="1h", min_samples=300,
        target=Target(op="<=", value=target), clause=Clause.MONITORING,
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
    )  # fmt: skip
    assert judge(slo, "*", [told], datetime.fromisoformat(start_of(T0 + 1)), Place.RUNTIME).outcome is outcome
