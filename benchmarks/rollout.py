"""Claim: a good candidate is rolled back in at most 5 % of rollouts watched for a day, and a bad one within the hour.

Simulated, seeds fixed, through what a site runs: minutes of both arms → `observe.compared` → `deploy.plan.step`, with
the default margins and the budget of a plan of two comparing stages. 20 requests a minute beside 180; the same SLO is
met at every look. In "moving" both arms share a rate that goes from 1 % to 10 % and back over the day. "Retries in
clumps" is what the test does not promise: each failed request is sent again four times at once, and fails again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.harness import lined
from shipworthy.contract.manifest import Compare, Rollout, Stage
from shipworthy.deploy import plan
from shipworthy.facts import Judgement, Outcome
from shipworthy.observe.arms import CELLS, Arm, Counts
from shipworthy.observe.bins import latency_bin, latency_edges
from shipworthy.observe.compared import Compared, judged, taken
from shipworthy.runtime.rolling import margins_of

DAY, CANDIDATE, BASELINE = 1440, 20, 180
STAGES = (
    Stage(name="some", share=10, tenants=("*",), min_samples=500, advance="sre"),
    Stage(name="half", share=50, tenants=("*",), min_samples=500),
    Stage(name="full", share=100, tenants=("*",), min_samples=500),
)
MARGINS = margins_of(Rollout(stages=STAGES, compare=Compare()))
START = plan.start(STAGES, id="R", version="2", baseline="1", salt="s")
MET = (Judgement(slo="auroc", segment="*", outcome=Outcome.MET, because="as if"),)
_EDGES = np.array(latency_edges()[4::4])
Rate = Callable[[int], float]


@dataclass(frozen=True)
class Case:
    """How both arms behave, by minute: error rates; reviews; by what the candidate's times are multiplied."""

    name: str
    errors: tuple[Rate, Rate]
    runs: int
    looks: int = DAY
    review: float = 0.2
    slower: float = 1.0
    clumps: int = 1


def run() -> str:
    """Return the table."""
    rows: list[tuple[str, ...]] = [
        ("candidate", "runs", "rolled back", "median minute", "ready to advance", "median minute", "by")
    ]
    for seed, case in enumerate(_cases()):
        rows.append(_row(seed, case))
    title = (
        f"Rollouts through the plan, {CANDIDATE} requests a minute beside {BASELINE}, {MARGINS.level:.2g} a comparison"
    )
    return f"{title}\n{lined(rows)}"


def _cases() -> list[Case]:
    flat = {rate: (lambda minute, rate=rate: rate) for rate in (0.0, 0.001, 0.02, 0.03, 0.04, 0.08)}
    moving: Rate = lambda minute: 0.01 + 0.09 * (0.5 - 0.5 * math.cos(2.0 * math.pi * minute / DAY))  # noqa: E731
    return [
        Case("the same, 2 % errors", (flat[0.02], flat[0.02]), 200),
        Case("the same, 0.1 % errors", (flat[0.001], flat[0.001]), 60),
        Case("the same, no errors", (flat[0.0], flat[0.0]), 60),
        Case("the same, moving", (moving, moving), 60),
        Case("the same, retries in clumps", (flat[0.02], flat[0.02]), 60, clumps=5),
        Case("3 % errors for 2 %", (flat[0.03], flat[0.02]), 60),
        Case("4 % errors for 2 %", (flat[0.04], flat[0.02]), 100),
        Case("8 % errors for 2 %", (flat[0.08], flat[0.02]), 60, 240),
        Case("30 % reviews for 20 %", (flat[0.02], flat[0.02]), 60, 480, review=0.3),
        Case("20 % slower", (flat[0.02], flat[0.02]), 60, 480, slower=1.2),
        Case("50 % slower", (flat[0.02], flat[0.02]), 60, 240, slower=1.5),
    ]


def _row(seed: int, case: Case) -> tuple[str, ...]:
    ends = [_watched(np.random.default_rng([seed, at]), case) for at in range(case.runs)]
    back = [minute for minute, _, _ in ends if minute]
    ready = [minute for _, minute, _ in ends if minute]
    names = sorted({name for _, _, name in ends if name})
    told = [f"{len(back) / case.runs:.1%}", _median(back), f"{len(ready) / case.runs:.1%}", _median(ready)]
    return (case.name, str(case.runs), *told, ", ".join(names))


def _watched(rng: np.random.Generator, case: Case) -> tuple[int, int, str]:
    """Return the minutes of the roll-back and of the first look at which all was met, 0 for never, and what breached.

    The rollout stays in its stage, as one that waits for its role does, so that a day of looks is had.
    """
    seen, ready = Compared(), 0
    bar = -math.log(MARGINS.level)
    for minute in range(1, case.looks + 1):
        seen = taken(seen, _minute(rng, case, minute), minute)
        likely = max(seen.errors.log_worse, seen.review_rate.log_worse, seen.latency.log_slower) >= bar
        if not likely and (ready or minute % 5):
            continue  # nothing can have been breached, and who is ready stays so
        beside = judged(seen, MARGINS, least=STAGES[0].min_samples)
        step = plan.step(STAGES, START, MET, seen.counts.candidate.answered, frozenset({"sre"}), compared=beside)
        if step.kind == "roll_back":
            return minute, ready, next(one.slo for one in beside if one.outcome is Outcome.BREACHED)
        if step.kind == "advance" and not ready:
            ready = minute
    return 0, ready, ""


def _minute(rng: np.random.Generator, case: Case, minute: int) -> Counts:
    ours, theirs = (rate(minute) for rate in case.errors)
    return Counts(
        _arm(rng, CANDIDATE, ours, case.review, case.slower, case.clumps),
        _arm(rng, BASELINE, theirs, 0.2, 1.0, case.clumps),
    )


def _arm(rng: np.random.Generator, n: int, errors: float, review: float, slower: float, clumps: int) -> Arm:
    times = 100.0 * slower * np.exp(0.6 * rng.standard_normal(n))
    cells = np.bincount(np.searchsorted(_EDGES, times, side="right"), minlength=CELLS)
    failed = int(rng.binomial(n, errors))
    more = failed * (clumps - 1)
    return Arm(n + more, failed * clumps, n, int(rng.binomial(n, review)), cells.tolist())


def _median(minutes: list[int]) -> str:
    return f"{np.median(minutes):.0f}" if minutes else "–"


assert latency_bin(100.0) // 4 == int(np.searchsorted(_EDGES, 100.0, side="right"))
