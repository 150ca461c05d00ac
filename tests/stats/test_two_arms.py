"""Two arms for ever: the supermartingale exactly, false alarms and delays by simulation with a stated error rate."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from shipworthy.stats.noncentral import log_likelihoods
from shipworthy.stats.two_arms import (
    GRID,
    ArmsState,
    evidence,
    is_within,
    is_worse,
    log_e_values,
    odds_ratio_bounds,
    points,
    update,
)

Ints = NDArray[np.int64]
RUNS, LOOKS, LEVEL, NEVER = 400, 1440, 0.05, 10**9
minutes = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 30), st.integers(0, 30)).map(
        lambda m: (max(m[0], m[1]), min(m[0], m[1]), max(m[2], m[3]), min(m[2], m[3]))
    ),
    max_size=8,
)


def watched(seen: list[tuple[int, int, int, int]], state: ArmsState | None = None) -> ArmsState:
    state = state or ArmsState()
    for minute in seen:
        state = update(state, *minute)
    return state


def odds(rate: float) -> float:
    return rate / (1.0 - rate)


@settings(max_examples=60)
@given(st.integers(1, 5), st.integers(1, 5), st.floats(0.001, 0.95), st.floats(0.2, 1.0), st.floats(0.5, 4.0), minutes)
def test_whatever_came_before_the_next_minute_adds_nothing_on_average_under_the_null(
    n1: int, n0: int, p0: float, part: float, margin: float, before: list[tuple[int, int, int, int]]
) -> None:
    """Summed exactly over all outcomes of a minute, at any rate, for both directions at the margin and inside it."""
    at = points(margin, margin)
    start = np.asarray(watched(before, ArmsState(margin, margin)).log_likelihood)
    x1, x0 = (grid.ravel() for grid in np.meshgrid(np.arange(n1 + 1), np.arange(n0 + 1)))
    after = evidence(start + log_likelihoods(n1, x1, n0, x0, at), margin, margin)
    for way, (now, then) in enumerate(zip(evidence(start, margin, margin), after, strict=True)):
        w = margin * (part if way == 0 else 1.0 / part)
        p1 = w * odds(p0) / (1.0 + w * odds(p0))
        chance = binom.pmf(x1, n1, p1) * binom.pmf(x0, n0, p0)
        assert float((chance * np.exp(then - now)).sum()) <= 1.0 + 1e-9


def first_alarms(n1: Ints, x1: Ints, n0: Ints, x0: Ints, margins: tuple[float, float]) -> tuple[Ints, Ints]:
    """The first look with proof, (worse, within), for runs x minutes at once."""
    minutes = ((n1 * 1000 + x1) * 1000 + n0) * 1000 + x0
    different, which = np.unique(minutes, return_inverse=True)
    ours, our_hits, theirs, their_hits = (different // 1000**place % 1000 for place in (3, 2, 1, 0))
    table = log_likelihoods(ours, our_hits, theirs, their_hits, points(*margins))
    firsts = []
    for run in which.reshape(n1.shape):
        proven = [e >= -math.log(LEVEL) for e in evidence(table[run].cumsum(axis=0), *margins)]
        firsts.append([int(one.argmax()) + 1 if one.any() else NEVER for one in proven])
    worse, within = np.array(firsts).T
    return worse, within


def steady(
    p1: float, p0: float, seed: int, margins: tuple[float, float] = (1.0, 1.25), runs: int = RUNS
) -> tuple[Ints, Ints]:
    rng, n1, n0 = np.random.default_rng(seed), np.full((runs, LOOKS), 20), np.full((runs, LOOKS), 180)
    return first_alarms(n1, rng.binomial(n1, p1), n0, rng.binomial(n0, p0), margins)


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.3])
def test_equal_arms_looked_at_for_a_day_alarm_in_at_most_one_run_of_twenty(rate: float) -> None:
    worse, _ = steady(rate, rate, 1)
    assert (worse < NEVER).mean() <= LEVEL


def test_a_doubled_rate_is_found_within_forty_five_minutes() -> None:
    worse, within = steady(0.04, 0.02, 2)
    assert (worse < NEVER).all()
    assert np.median(worse) <= 45
    assert (within < NEVER).mean() <= LEVEL


def test_arms_at_the_margin_are_not_told_to_be_within_it_and_equal_ones_are() -> None:
    edge = 1.5 * odds(0.3) / (1.0 + 1.5 * odds(0.3))
    _, at_margin = steady(edge, 0.3, 3, (1.0, 1.5))
    _, equal = steady(0.3, 0.3, 4, (1.0, 1.5), runs=50)
    assert (at_margin < NEVER).mean() <= LEVEL
    assert (equal < NEVER).mean() >= 0.99


def test_rates_and_shares_that_move_together_do_not_fool_it_and_do_fool_pooled_rates() -> None:
    """Both arms 1 % to 10 % and back within the day, the candidate's share 2 % to 18 % with them."""
    rng, wave = np.random.default_rng(5), 0.5 - 0.5 * np.cos(2.0 * math.pi * np.arange(LOOKS) / LOOKS)
    n1 = np.broadcast_to((4 + 32 * wave).astype(np.int64), (RUNS, LOOKS))
    n0, rate = 200 - n1, 0.01 + 0.09 * wave
    x1, x0 = rng.binomial(n1, rate), rng.binomial(n0, rate)
    worse, _ = first_alarms(n1, x1, n0, x0, (1.0, 1.25))
    assert (worse < NEVER).mean() <= LEVEL
    pooled = x1.sum(axis=1) / n1.sum(axis=1) - x0.sum(axis=1) / n0.sum(axis=1)
    assert (pooled > 0.005).all()


def test_a_share_that_follows_what_was_seen_is_allowed() -> None:
    """The candidate gets more traffic after a minute with a hit of its own, as a hasty controller would give."""
    rng, worse, n1 = np.random.default_rng(6), 0, np.full(120, 20)
    at, total, peak = points(1.0, 1.25), np.zeros((120, len(GRID) + 2)), np.zeros(120)
    for _ in range(150):
        x1, x0 = rng.binomial(n1, 0.05), rng.binomial(200 - n1, 0.05)
        total += log_likelihoods(n1, x1, 200 - n1, x0, at)
        peak = np.maximum(peak, evidence(total, 1.0, 1.25)[0])
        n1 = np.where(x1 > 0, 100, 10)
    worse = int((peak >= -math.log(LEVEL)).sum())
    assert worse <= 120 * LEVEL


def test_the_simulated_rule_is_the_rule_of_the_module() -> None:
    rng, n1, n0 = np.random.default_rng(7), np.full((1, 200), 20), np.full((1, 200), 180)
    x1, x0 = rng.binomial(n1, 0.05), rng.binomial(n0, 0.02)
    worse, within = first_alarms(n1, x1, n0, x0, (1.0, 8.0))
    state, firsts = ArmsState(1.0, 8.0), [NEVER, NEVER]
    for minute in range(200):
        state = update(state, 20, int(x1[0, minute]), 180, int(x0[0, minute]))
        for which, proven in enumerate((is_worse(state, LEVEL), is_within(state, LEVEL))):
            firsts[which] = min(firsts[which], minute + 1 if proven else NEVER)
    assert firsts == [worse[0], within[0]]
    assert max(firsts) < NEVER


def test_the_bounds_hold_at_all_looks_together_and_close_in() -> None:
    rng, missed, state = np.random.default_rng(8), 0, ArmsState()
    for _ in range(40):
        state, outside = ArmsState(), False
        for _ in range(60):
            state = update(state, 50, int(rng.binomial(50, 0.2)), 50, int(rng.binomial(50, 1 / 9)))
            low, high = odds_ratio_bounds(state, 0.9)
            outside |= not low <= 2.0 <= high
        missed += outside
    assert missed <= 8
    assert 1.2 < odds_ratio_bounds(state)[0] < 2.0 < odds_ratio_bounds(state)[1] < 3.5
    assert odds_ratio_bounds(state, 0.999)[0] <= odds_ratio_bounds(state, 0.9)[0]


def test_bounds_beyond_the_grid_are_open() -> None:
    assert odds_ratio_bounds(ArmsState()) == (0.0, math.inf)
    low, high = odds_ratio_bounds(watched([(50, 50, 50, 0)] * 5))
    assert (low > 10.0, high) == (True, math.inf)


@settings(max_examples=40)
@given(minutes, st.randoms(use_true_random=False))
def test_the_order_of_minutes_does_not_matter_to_the_likelihood(
    seen: list[tuple[int, int, int, int]], random: object
) -> None:
    mixed = list(seen)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = watched(seen), watched(mixed)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-9)
    assert odds_ratio_bounds(one) == odds_ratio_bounds(other)
    assert (one.candidate_n, one.baseline_hits) == (other.candidate_n, other.baseline_hits)


@settings(max_examples=40)
@given(minutes, minutes)
def test_more_minutes_never_take_a_proof_back(
    seen: list[tuple[int, int, int, int]], more: list[tuple[int, int, int, int]]
) -> None:
    one = watched(seen)
    other = watched(more, one)
    assert other.log_worse >= one.log_worse >= 0.0
    assert other.log_within >= one.log_within >= 0.0


def test_an_alarm_stays_though_the_evidence_goes() -> None:
    alarmed = watched([(20, 10, 180, 4)] * 5)
    later = watched([(20, 0, 180, 40)] * 60, alarmed)
    assert is_worse(alarmed, 0.01)
    assert is_worse(later, 0.01)
    assert odds_ratio_bounds(later)[1] < 1.0
    assert log_e_values(later)[0] < 0.0 < log_e_values(later)[1] == pytest.approx(later.log_within)
    assert log_e_values(alarmed)[0] == pytest.approx(alarmed.log_worse)


@settings(max_examples=40)
@given(minutes)
def test_arms_that_change_places_turn_the_ratio_round(seen: list[tuple[int, int, int, int]]) -> None:
    one = watched(seen, ArmsState(0.8, 2.0))
    other = watched([(n0, x0, n1, x1) for n1, x1, n0, x0 in seen], ArmsState(0.5, 1.25))
    assert one.log_worse == pytest.approx(other.log_within, abs=1e-8)
    assert one.log_within == pytest.approx(other.log_worse, abs=1e-8)
    (low, high), (back_low, back_high) = odds_ratio_bounds(one), odds_ratio_bounds(other)
    assert low * back_high == pytest.approx(1.0) or (low == 0.0 and back_high == math.inf)
    assert high * back_low == pytest.approx(1.0) or (back_low == 0.0 and high == math.inf)


def test_no_data_is_no_evidence() -> None:
    state = watched([(0, 0, 0, 0), (20, 0, 180, 0), (20, 20, 180, 180), (0, 0, 180, 30)])
    assert max(state.log_worse, state.log_within) == pytest.approx(0.0)
    assert not is_worse(state, 0.99)
    assert (state.candidate_n, state.candidate_hits, state.baseline_n, state.baseline_hits) == (40, 20, 540, 210)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.floats(1.0, 8.0))
def test_within_a_margin_of_odds_is_within_the_same_margin_of_rates(p1: float, p0: float, margin: float) -> None:
    if odds(p1) <= margin * odds(p0):
        assert p1 <= margin * p0 * (1.0 + 1e-9)


@pytest.mark.parametrize(("n1", "n0", "hits"), [(5, 9, 6), (20, 180, 60), (3, 3, 5)])
def test_binomial_conditioning_at_equal_odds_is_valid_but_smaller(n1: int, n0: int, hits: int) -> None:
    """The claim of the docstring: given the hits, bets of a binomial win less than 1 on average, not 1."""
    k, share = np.arange(max(0, hits - n0), min(hits, n1) + 1), n1 / (n1 + n0)
    law = np.array([math.comb(n1, int(one)) * math.comb(n0, hits - int(one)) for one in k], dtype=float)
    for bet in (1.3, 2.0, 4.0):
        other = bet * share / (1.0 - share + bet * share)
        won = (other / share) ** k * ((1.0 - other) / (1.0 - share)) ** (hits - k)
        assert float((law / law.sum() * won).sum()) < 1.0


def test_a_state_travels_as_json() -> None:
    state = watched([(20, 3, 180, 4)] * 3)
    assert msgspec.json.decode(msgspec.json.encode(state), type=ArmsState) == state


def test_what_cannot_be_is_refused() -> None:
    for minute in ((1, 2, 3, 0), (3, -1, 3, 0), (3, 1, 3, 4), (3, math.nan, 3, 0), (3, 1.5, 3, 0)):
        with pytest.raises(ValueError, match="needed"):
            update(ArmsState(), *minute)
    for margins in ((0.1, 1.0), (1.0, 9.0), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="margin"):
            update(ArmsState(*margins), 1, 0, 1, 0)
    for level in (0.0, 1.0, math.nan):
        for ask in (is_worse, is_within, odds_ratio_bounds):
            with pytest.raises(ValueError, match="level"):
                ask(ArmsState(), level)
