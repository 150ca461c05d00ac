"""Slower anywhere: the supermartingale exactly, false alarms under moving load by simulation, and where it points."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shipworthy.stats.noncentral import log_likelihoods, log_sum
from shipworthy.stats.stochastic_order import (
    BETS,
    OrderState,
    is_slower,
    log_e_value,
    slower_by,
    start,
    update,
    worst_edge,
)

Ints = NDArray[np.int64]
LEVEL = 0.05
EDGES = np.geomspace(20.0, 2000.0, 15)
shares = st.floats(0.0, 1.0)
cells = st.lists(st.integers(0, 6), min_size=4, max_size=4)


def evidence(state: OrderState) -> float:
    return float(np.exp(np.array(state.log_e)).mean())


def ways(n: int, chances: NDArray[np.float64]) -> list[tuple[tuple[int, ...], float]]:
    """Every histogram of n events over three cells with its chance."""
    found: list[tuple[tuple[int, ...], float]] = []
    for a in range(n + 1):
        for b in range(n + 1 - a):
            counts = (a, b, n - a - b)
            many = math.factorial(n) // math.prod(math.factorial(k) for k in counts)
            found.append((counts, many * float(np.prod(chances ** np.array(counts)))))
    return found


@settings(max_examples=25)
@given(st.integers(1, 3), st.integers(1, 3), st.floats(0.05, 0.9), st.floats(0.05, 0.9), shares, shares)
def test_a_candidate_that_is_nowhere_slower_adds_nothing_on_average(
    n1: int, n0: int, first: float, second: float, faster: float, also: float
) -> None:
    """F1 >= F0 at both inner edges of three cells; summed exactly over all pairs of histograms."""
    low0, mid0 = sorted((first, second))
    low1 = low0 + faster * (1.0 - low0)
    mid1 = max(low1, mid0 + also * (1.0 - mid0))
    before = update(start(3), [1, 0, 1], [2, 1, 1])
    mean = sum(
        ours_chance * theirs_chance * evidence(update(before, ours, theirs))
        for ours, ours_chance in ways(n1, np.array([low1, mid1 - low1, 1.0 - mid1]))
        for theirs, theirs_chance in ways(n0, np.array([low0, mid0 - low0, 1.0 - mid0]))
    )
    assert mean <= evidence(before) * (1.0 + 1e-9)


def latencies(rng: np.random.Generator, requests: Ints, load: NDArray[np.float64]) -> Ints:
    """Minutes x cells of log-normal latencies around 100 ms times the load of the minute."""
    found = np.zeros((requests.size, EDGES.size + 1), dtype=np.int64)
    for minute, (n, factor) in enumerate(zip(requests, load, strict=True)):
        taken = np.searchsorted(EDGES, 100.0 * factor * np.exp(0.5 * rng.standard_normal(n)))
        found[minute] = np.bincount(taken, minlength=EDGES.size + 1)
    return found


def evidence_by_minute(ours: Ints, theirs: Ints) -> NDArray[np.float64]:
    """The log of the mean evidence after each minute: the rule of the module over a whole run at once."""
    (n1, slow1), (n0, slow0) = ((arm.sum(axis=1)[:, None], arm.sum(axis=1)[:, None] - arm.cumsum(axis=1)[:, :-1])
                                for arm in (ours, theirs))  # fmt: skip
    log_e = log_likelihoods(n1, slow1, n0, slow0, np.log(np.array(BETS))).cumsum(axis=0)
    return log_sum(log_e.reshape(len(ours), -1)) - math.log(log_e[0].size)


def test_load_and_share_that_move_together_do_not_fool_minutes_and_do_fool_counts_since_the_start() -> None:
    rng, minute = np.random.default_rng(1), np.arange(120)
    wave = 0.5 - 0.5 * np.cos(2.0 * math.pi * minute / 120)
    n1, load = (5 + 50 * wave).astype(np.int64), 1.0 + wave
    alarms = fooled = 0
    for _ in range(40):
        ours, theirs = latencies(rng, n1, load), latencies(rng, 100 - n1, load)
        alarms += bool((evidence_by_minute(ours, theirs) >= -math.log(LEVEL)).any())
        fooled += slower_by(ours.sum(axis=0), theirs.sum(axis=0), LEVEL).lower > 0.0
    assert alarms <= 40 * LEVEL
    assert fooled >= 36


def test_half_again_as_slow_is_found_within_five_minutes() -> None:
    rng, firsts = np.random.default_rng(2), []
    for _ in range(40):
        ours = latencies(rng, np.full(60, 20), np.full(60, 1.5))
        alarm = evidence_by_minute(ours, latencies(rng, np.full(60, 180), np.ones(60))) >= -math.log(LEVEL)
        assert alarm.any()
        firsts.append(int(alarm.argmax()) + 1)
    assert np.median(firsts) <= 5


def test_the_simulated_rule_is_the_rule_of_the_module() -> None:
    rng = np.random.default_rng(3)
    ours = latencies(rng, np.full(50, 20), np.full(50, 1.2))
    theirs = latencies(rng, np.full(50, 80), np.ones(50))
    means, state = evidence_by_minute(ours, theirs), start(EDGES.size + 1)
    for minute in range(50):
        state = update(state, ours[minute], theirs[minute])
        assert state.log_slower == pytest.approx(max(0.0, means[: minute + 1].max()))
        assert log_e_value(state) == pytest.approx(means[minute])
        assert is_slower(state, LEVEL) == bool((means[: minute + 1] >= -math.log(LEVEL)).any())
    assert (state.candidate_n, state.baseline_n) == (1000, 4000)
    assert msgspec.json.decode(msgspec.json.encode(state), type=OrderState) == state


def test_it_points_at_the_edge_that_is_passed_too_often() -> None:
    state = start(5)
    for _ in range(10):
        state = update(state, [8, 4, 4, 0, 4], [80, 40, 40, 39, 1])
    assert is_slower(state, 0.001)
    assert worst_edge(state) == 3
    assert slower_by([80, 40, 40, 0, 40], [800, 400, 400, 390, 10], 0.05).edge == 3


@given(st.lists(st.tuples(cells, cells), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_minutes_does_not_matter_to_the_evidence(
    minutes: list[tuple[list[int], list[int]]], random: object
) -> None:
    mixed, one, other = list(minutes), start(4), start(4)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    for (ours, theirs), (later_ours, later_theirs) in zip(minutes, mixed, strict=True):
        before, one, other = one, update(one, ours, theirs), update(other, later_ours, later_theirs)
        assert one.log_slower >= before.log_slower >= 0.0
    assert one.log_e == pytest.approx(other.log_e, abs=1e-9)


def test_no_data_and_equal_data_prove_nothing() -> None:
    state = update(update(start(3), [0, 0, 0], [5, 5, 5]), [5, 5, 5], [0, 0, 0])
    assert state.log_slower == pytest.approx(0.0)
    assert not is_slower(state, 0.99)
    assert slower_by([0, 0], [5, 5], 0.05).lower == slower_by([5, 5], [0, 0], 0.05).lower == -1.0
    assert slower_by([500, 500], [500, 500], 0.05).lower < 0.0 == slower_by([500, 500], [500, 500], 0.05).seen


def test_the_proven_difference_stays_below_the_truth_at_all_looks_and_comes_near_it() -> None:
    rng, above, last = np.random.default_rng(4), 0, []
    for _ in range(60):
        ours = rng.multinomial(50, [0.2, 0.3, 0.5], 200).cumsum(axis=0)
        theirs = rng.multinomial(50, [0.4, 0.3, 0.3], 200).cumsum(axis=0)
        proven = [slower_by(a, b, 0.1).lower for a, b in zip(ours, theirs, strict=True)]
        above += max(proven) > 0.2
        last.append(proven[-1])
    assert above <= 6
    assert 0.12 < np.median(last) < 0.2


def test_what_cannot_be_is_refused() -> None:
    for ours in ([1, 2], [1, 2, -1], [1.0, 2.0, 3.0], [math.nan, 1.0, 1.0]):
        with pytest.raises(ValueError, match="count"):
            update(start(3), ours, [1, 2, 3])
        with pytest.raises(ValueError, match="count"):
            slower_by([1, 2, 3], ours, 0.05)
    with pytest.raises(ValueError, match="two cells"):
        start(1)
    for level in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="needed"):
            is_slower(start(3), level)
        with pytest.raises(ValueError, match="needed"):
            slower_by([1, 2], [1, 2], level)
