"""Is the candidate worse than the baseline beside it: what a stage has shown so far, at every look.

In: the counts of both arms, minute by minute, and the margins. Out: one judgement a comparison, named `compare:…`.

- `breached`: proven to be worse, and by more than the margin as far as seen. Proven is what an e-process says that is
  valid at every look (`two_arms.py`, `stochastic_order.py`), at a level that all comparisons and stages of the rollout
  share: a candidate that is no worse is rolled back in at most that part of all rollouts, whatever the margins.
- `met`: shown at 95 % to be worse by no more than the margin, at all looks together (`rate_sequence.py`); times at
  every edge of their cells.
- Times breach only from the stage's least samples on: a version that has just started is slower at first, beside a
  baseline that is warm, and over that many requests its first ones weigh little.
- `undecided`: neither, with the candidate's requests still needed if both arms go on as they are. `no_data`: an arm was
  not asked. Not judged here: a stage that sends whole tenants to the candidate has nobody beside it.

A minute with very many requests is thinned to MOST of them, drawn at random whatever became of them, so that the proof
stays a proof and a look stays cheap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from shipworthy.facts import Judgement, Outcome
from shipworthy.observe.arms import CELLS, Arm, Counts, total
from shipworthy.observe.bins import latency_edges
from shipworthy.stats import stochastic_order, two_arms
from shipworthy.stats.bounds import n_for_interval
from shipworthy.stats.rate_sequence import rate_intervals, rate_lower, rise_upper
from shipworthy.stats.stochastic_order import OrderState
from shipworthy.stats.two_arms import ArmsState

PREFIX = "compare:"
NAMES = ("errors", "latency", "review_rate", "disagreement")
SHOWN = 0.05  # `met` is wrong about the margin in at most this part of all comparisons
MOST = 20_000
ALONE = "not compared: the stage sends all units of its tenants to the candidate"
_EDGES_MS = latency_edges()[:: len(latency_edges()) // CELLS][1:]  # where each cell but the first begins


@dataclass(frozen=True, slots=True)
class Margins:
    """What the candidate may be worse by; None: not compared. `level`: what each comparison may spend in a stage."""

    errors: float | None
    latency: float | None
    review_rate: float | None
    disagreement: float | None
    level: float

    def of(self, name: str) -> float | None:
        """Return the margin of a comparison."""
        found: float | None = getattr(self, name)
        return found


@dataclass(frozen=True, slots=True)
class Compared:
    """The evidence of one stage."""

    errors: ArmsState = field(default_factory=ArmsState)
    review_rate: ArmsState = field(default_factory=ArmsState)
    latency: OrderState = field(default_factory=lambda: stochastic_order.start(CELLS))
    counts: Counts = field(default_factory=Counts)


def level_of(false_rollbacks: float, comparisons: int, stages: int) -> float:
    """Return what each comparison of each stage may spend, so that all of them spend `false_rollbacks` together.

    >>> round(level_of(0.05, 3, 2), 5)
    0.00833
    """
    return false_rollbacks / max(1, comparisons * stages)


def taken(before: Compared, minute: Counts, seed: int) -> Compared:
    """Return the evidence after one more minute; `seed` draws the requests that are looked at where there are many."""
    few = thinned(minute, seed)
    ours, theirs = few.candidate, few.baseline
    return Compared(
        two_arms.update(before.errors, ours.n, ours.failed, theirs.n, theirs.failed),
        two_arms.update(before.review_rate, ours.answered, ours.review, theirs.answered, theirs.review),
        stochastic_order.update(before.latency, ours.latency, theirs.latency),
        total([before.counts, minute]),
    )


def thinned(minute: Counts, seed: int, most: int = MOST) -> Counts:
    """Return at most so many requests of a minute, both arms in their proportion."""
    whole = minute.candidate.n + minute.baseline.n
    if whole <= most:
        return minute
    drawn, part = np.random.default_rng(seed), most / whole
    return Counts(_thinned(minute.candidate, part, drawn), _thinned(minute.baseline, part, drawn))


def judged(shown: Compared, margins: Margins, alone: bool = False, least: int = 0) -> tuple[Judgement, ...]:
    """Return one judgement a comparison. `alone`: no unit of these tenants is left to the baseline.

    `least`: requests of the candidate before its times can breach; the first ones find it cold.
    """
    made = {"disagreement": _disagreeing(margins, shown.counts)}
    for name in ("errors", "latency", "review_rate"):
        margin = margins.of(name)
        if alone or margin is None:
            made[name] = _said(name, Outcome.NO_DATA, ALONE if alone else "no margin: not compared", here=False)
        elif name == "latency":
            made[name] = _slower(name, margin, margins.level, shown, least)
        else:
            made[name] = _rise(name, margin, margins.level, shown)
    return tuple(made[name] for name in NAMES)


def _rise(name: str, margin: float, level: float, shown: Compared) -> Judgement:
    ours, theirs = shown.counts.candidate, shown.counts.baseline
    if name == "errors":
        arms, (h1, n1, h0, n0) = shown.errors, (ours.failed, ours.n, theirs.failed, theirs.n)
    else:
        arms, (h1, n1, h0, n0) = shown.review_rate, (ours.review, ours.answered, theirs.review, theirs.answered)
    if not (n1 and n0):
        return _said(name, Outcome.NO_DATA, _missing(n1))
    seen, upper = h1 / n1 - h0 / n0, float(rise_upper([h1], n1, [h0], n0, SHOWN)[0])
    told = f"candidate {h1 / n1:.2%} of {n1}, baseline {h0 / n0:.2%} of {n0}"
    return _weighed(name, told, margin, n1, seen, upper, two_arms.is_worse(arms, level), level)


def _slower(name: str, margin: float, level: float, shown: Compared, least: int) -> Judgement:
    ours, theirs = (np.array(arm.latency) for arm in (shown.counts.candidate, shown.counts.baseline))
    n1, n0 = int(ours.sum()), int(theirs.sum())
    if not (n1 and n0):
        return _said(name, Outcome.NO_DATA, _missing(n1))
    over1, over0 = (n - np.cumsum(arm)[:-1] for n, arm in ((n1, ours), (n0, theirs)))
    uppers, more = rise_upper(over1, n1, over0, n0, SHOWN), over1 / n1 - over0 / n0
    at, worst = int(uppers.argmax()), int(more.argmax())
    edge = f"{_EDGES_MS[worst]:g} ms exceeded by"
    told = f"{edge} {over1[worst] / n1:.1%} of {n1} of the candidate, {over0[worst] / n0:.1%} of {n0} of the baseline"
    slower = n1 >= least and stochastic_order.is_slower(shown.latency, level)
    seen = float(more[worst])
    needs = _needed(n1, float(more[at]), margin, float(uppers[at]))
    return _weighed(name, told, margin, n1, seen, float(uppers[at]), slower, level, needs)


def _weighed(
    name: str, told: str, margin: float, n: int, seen: float, upper: float, is_worse: bool, level: float,
    needs_n: int | None = None,
) -> Judgement:  # fmt: skip
    told += f": {seen:+.2%}, at most {upper:+.2%}, margin {margin:.2%}"
    if is_worse and seen > margin:
        return _said(name, Outcome.BREACHED, f"{told}; proven worse at level {level:.2g}", proves=upper)
    if upper <= margin:
        return _said(name, Outcome.MET, told, proves=upper)
    needs = needs_n if needs_n is not None else _needed(n, seen, margin, upper)
    worse = "; proven worse, though not by the margin" if is_worse else ""
    return _said(name, Outcome.UNDECIDED, f"{told}: not yet shown{worse}", needs, upper)


def _disagreeing(margins: Margins, counts: Counts) -> Judgement:
    name, n, hits, margin = "disagreement", counts.shadowed, counts.disagreed, margins.disagreement
    if not n:
        return _said(name, Outcome.NO_DATA, "no request was shadowed", here=margin is not None)
    low, upper = rate_lower(hits, n, margins.level), float(rate_intervals([hits], n, SHOWN)[1][0])
    told = f"{hits / n:.2%} of {n} shadow scores differ from what left, at most {upper:.2%}"
    if margin is None:
        return _said(name, Outcome.NO_DATA, f"{told}; no margin: not compared", proves=upper, here=False)
    if low > margin:
        return _said(name, Outcome.BREACHED, f"{told}, at least {low:.2%}, margin {margin:.2%}", proves=upper)
    if upper <= margin:
        return _said(name, Outcome.MET, f"{told}, margin {margin:.2%}", proves=upper)
    told += f", margin {margin:.2%}: not yet shown"
    return _said(name, Outcome.UNDECIDED, told, _needed(n, hits / n, margin, upper), upper)


def _needed(n: int, seen: float, margin: float, upper: float) -> int | None:
    total_n = n_for_interval(n, seen, margin, upper)
    return None if total_n is None else max(1, total_n - n)


def _missing(n1: int) -> str:
    return "no request of the baseline beside the candidate's" if n1 else "no request of the candidate"


def _said(
    name: str, outcome: Outcome, because: str, needs_n: int | None = None, proves: float | None = None,
    here: bool = True,
) -> Judgement:  # fmt: skip
    return Judgement(
        slo=PREFIX + name, segment="*", outcome=outcome, because=because, needs_n=needs_n, proves=proves, here=here
    )


def _thinned(arm: Arm, part: float, drawn: np.random.Generator) -> Arm:
    n, answered = int(arm.n * part), int(arm.answered * part)
    times = np.array(arm.latency)
    return Arm(
        n,
        int(drawn.hypergeometric(arm.failed, arm.n - arm.failed, n)) if n else 0,
        answered,
        int(drawn.hypergeometric(arm.review, arm.answered - arm.review, answered)) if answered else 0,
        drawn.multivariate_hypergeometric(times, int(times.sum() * part), method="marginals").tolist(),
    )
