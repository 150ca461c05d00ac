"""Watching a stream of yes/no events minute by minute without paying for the looking.

In: one event (or one window's counts) after another. Out: a small state whose evidence may be compared with a level
after every event, for ever. Null: hits come at a rate of at most `null_rate`, given the past.

Each event multiplies the evidence by 1 + L * (x - p0) with L = (bet - p0) / (p0 * (1 - p0)), the likelihood ratio of
`bet` against p0: with p0 = .01 and bet = .30, 30 per hit and .707 per miss. Its mean is 1 + L * (p - p0) <= 1 for
every p <= p0, so the product is a supermartingale and anything it reaches is evidence, not patience.

The evidence is floored at 1 before each step (a CUSUM of e-values), so that a long quiet time cannot bury a change.
What it then promises is not "never a false alarm" but a rate: as an e-detector, started afresh after each alarm at
level a, it raises on average at most a * T false alarms in T events (mean run length >= 1/a).

Sources: Waudby-Smith & Ramdas, JRSS-B 86 (2024) 1-27 (betting); Shin, Ramdas & Rinaldo, NEJSDS 2 (2024) 229-260
(e-detectors). The count of alarms: M - (events so far) is a supermartingale between restarts, each alarm takes 1/a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

NULL_RATE = 0.01
BET = 0.30


@dataclass(frozen=True, slots=True)
class EState:
    """A stream so far: log of the evidence, events in all, and since which event (and with how many hits) it grows.

    `since` is the estimated last event before the change: the evidence stood at its floor there.
    """

    log_e: float = 0.0
    n: int = 0
    hits: int = 0
    since: int = 0


def multipliers(null_rate: float = NULL_RATE, bet: float = BET) -> tuple[float, float]:
    """(per miss, per hit). ValueError unless 0 < null_rate < bet < 1.

    >>> [round(m, 3) for m in multipliers()]
    [0.707, 30.0]
    """
    if not 0.0 < null_rate < bet < 1.0:
        raise ValueError(f"0 < null_rate < bet < 1 is needed, got {null_rate!r} and {bet!r}")
    return (1.0 - bet) / (1.0 - null_rate), bet / null_rate


def update(state: EState, hit: bool, null_rate: float = NULL_RATE, bet: float = BET) -> EState:
    """The state after one more event.

    >>> two = update(update(EState(), True), True)
    >>> two.hits, round(two.log_e, 3)
    (2, 6.802)
    """
    return update_window(state, 1, int(hit), null_rate, bet)


def update_window(state: EState, n: int, hits: int, null_rate: float = NULL_RATE, bet: float = BET) -> EState:
    """The state after a window of n events of which only the number of hits is known.

    Floored once per window instead of once per event, so never above what event by event would have given.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"0 <= hits <= n is needed, got hits={hits!r}, n={n!r}")
    miss, hit = _steps(null_rate, bet)
    if n == 0:
        return state
    fresh = state.log_e <= 0.0
    log_e = max(state.log_e, 0.0) + hits * hit + (n - hits) * miss
    return EState(log_e, state.n + n, hits + (0 if fresh else state.hits), state.n if fresh else state.since)


@lru_cache(maxsize=64)
def _steps(null_rate: float, bet: float) -> tuple[float, float]:
    """The logs of `multipliers`; a site asks for a few of them, after every event."""
    miss_by, hit_by = multipliers(null_rate, bet)
    return math.log(miss_by), math.log(hit_by)


def alarmed(state: EState, level: float, min_hits: int = 5) -> bool:
    """Is the evidence at least 1 / level, with at least `min_hits` hits since it began to grow."""
    if not 0.0 < level <= 1.0:
        raise ValueError(f"0 < level <= 1 is needed, got {level!r}")
    return state.log_e >= -math.log(level) and state.hits >= min_hits


def level_from_budget(false_pages_per_week: float, streams: int, expected_events_per_week: float) -> float:
    """The level at which `streams` streams of `expected_events_per_week` events *each* page falsely within the budget.

    Expected false pages <= streams * events * level, whatever the dependence between streams. ValueError unless all
    three are positive: a budget of nothing would be a detector that never speaks.

    >>> level_from_budget(1, streams=40, expected_events_per_week=500)
    5e-05
    """
    if not (0.0 < false_pages_per_week < math.inf and streams >= 1 and 0.0 < expected_events_per_week < math.inf):
        raise ValueError(
            "a positive budget, stream count and event count are needed, got "
            f"{false_pages_per_week!r}, {streams!r}, {expected_events_per_week!r}"
        )
    return min(1.0, false_pages_per_week / (streams * expected_events_per_week))
