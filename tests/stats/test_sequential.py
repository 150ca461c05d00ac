"""The e-process: its expectation exactly, its alarms by simulation, and the speed that the story needs."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.sequential import EState, alarmed, level_from_budget, multipliers, update, update_window


@given(st.fractions(Fraction(1, 1000), Fraction(1, 2)), st.fractions(0, 1), st.fractions(0, 1))
def test_the_mean_multiplier_is_at_most_one_under_the_null_in_exact_arithmetic(
    null_rate: Fraction, above: Fraction, below: Fraction
) -> None:
    bet = null_rate + (1 - null_rate) * (above * Fraction(9, 10) + Fraction(1, 20))
    rate = null_rate * below
    hit, miss = bet / null_rate, (1 - bet) / (1 - null_rate)
    assert rate * hit + (1 - rate) * miss <= 1
    assert null_rate * hit + (1 - null_rate) * miss == 1
    stake = (bet - null_rate) / (null_rate * (1 - null_rate))
    assert (1 - stake * null_rate, 1 + stake * (1 - null_rate)) == (miss, hit)
    assert multipliers(float(null_rate), float(bet)) == pytest.approx((float(miss), float(hit)))


def test_the_default_multipliers_are_those_of_the_story() -> None:
    miss, hit = multipliers()
    assert hit == pytest.approx(30.0)
    assert miss == pytest.approx(0.707, abs=2e-4)


@given(st.lists(st.booleans(), max_size=80), st.floats(0.001, 0.2))
def test_the_floored_evidence_is_the_best_start_in_hindsight(events: list[bool], null_rate: float) -> None:
    """CUSUM: max(E, 1) * m equals the largest product over the last events, so a change is never buried."""
    state, miss_hit = EState(), multipliers(null_rate)
    for event in events:
        state = update(state, event, null_rate)
    steps = [math.log(miss_hit[event]) for event in events]
    tails = [sum(steps[i:]) for i in range(len(steps))]
    assert state.log_e == pytest.approx(max(tails, default=0.0), abs=1e-9)
    assert state.n == len(events)
    if events and state.log_e > 1e-9:
        assert state.log_e == pytest.approx(sum(steps[state.since :]), abs=1e-9)
        assert state.hits == sum(events[state.since :])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), max_size=12))
def test_counting_by_window_never_shows_more_evidence_than_event_by_event(windows: list[tuple[int, int]]) -> None:
    coarse = fine = EState()
    for hits, misses in windows:
        coarse = update_window(coarse, hits + misses, hits)
        for event in [False] * misses + [True] * hits:
            fine = update(fine, event)
    assert coarse.log_e <= fine.log_e + 1e-9
    assert coarse.n == fine.n


def _alarms(hits: np.ndarray[tuple[int, int], np.dtype[np.bool_]], level: float, min_hits: int) -> float:
    """Mean number of alarms per stream, restarted after each: the rule of the module, over all streams at once."""
    miss, hit = np.log(multipliers())
    log_e, count, alarms = np.zeros(len(hits)), np.zeros(len(hits)), 0
    for event in hits.T:
        count = np.where(log_e <= 0, 0, count) + event
        log_e = np.maximum(log_e, 0) + np.where(event, hit, miss)
        raised = (log_e >= -math.log(level)) & (count >= min_hits)
        alarms += int(raised.sum())
        log_e, count = np.where(raised, 0.0, log_e), np.where(raised, 0.0, count)
    return alarms / len(hits)


@pytest.mark.parametrize(("level", "min_hits"), [(0.01, 1), (0.001, 1), (0.001, 5)])
def test_false_alarms_stay_within_level_times_events_for_ever(level: float, min_hits: int) -> None:
    events = np.random.default_rng(3).random((4000, 1000)) < 0.01
    assert _alarms(events, level, min_hits) <= level * 1000


def test_the_simulated_rule_is_the_rule_of_the_module() -> None:
    events = np.random.default_rng(9).random((1, 600)) < 0.05
    state, alarms = EState(), 0
    for event in events[0]:
        state = update(state, bool(event))
        if alarmed(state, 0.001, 3):
            state, alarms = EState(), alarms + 1
    assert alarms > 0
    assert alarms == _alarms(events, 0.001, 3)


def test_two_unseen_claims_pass_a_hundred_and_five_raise_the_alarm() -> None:
    state, said = EState(), []
    for _ in range(5):
        state = update(update(state, False), True)
        said.append((math.exp(state.log_e) > 100, alarmed(state, 0.001)))
    assert said == [(False, False), (True, False), (True, False), (True, False), (True, True)]


def test_a_change_after_long_quiet_is_found_as_fast_as_one_at_the_start() -> None:
    quiet = update_window(EState(), 100_000, 0)
    for _ in range(5):
        quiet = update(quiet, True)
    assert alarmed(quiet, 1e-6)
    assert (quiet.since, quiet.hits, quiet.n) == (100_000, 5, 100_005)


def test_an_empty_window_changes_nothing() -> None:
    state = update(EState(), True)
    assert update_window(state, 0, 0) == state


def test_the_budget_is_spread_over_streams_and_events() -> None:
    assert level_from_budget(1, 10, 1000) == pytest.approx(1e-4)
    assert level_from_budget(50, 1, 10) == 1.0
    for budget, streams, events in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (math.nan, 1, 1), (1, 1, math.inf)):
        with pytest.raises(ValueError, match="positive budget"):
            level_from_budget(budget, streams, events)


def test_impossible_events_rates_and_levels_are_refused() -> None:
    for n, hits in ((1, 2), (1, -1), (-1, 0)):
        with pytest.raises(ValueError, match="needed"):
            update_window(EState(), n, hits)
    for null_rate, bet in ((0.0, 0.3), (0.3, 0.3), (0.1, 1.0), (math.nan, 0.3)):
        with pytest.raises(ValueError, match="needed"):
            update(EState(), True, null_rate, bet)
    for level in (0.0, 1.5, math.nan):
        with pytest.raises(ValueError, match="needed"):
            alarmed(EState(), level)
