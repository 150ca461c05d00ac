"""E-detectors: bets exactly, false alarms against what was spent, delays after a quiet week, by simulation."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from shipworthy.stats.change import (
    NOTHING,
    ODDS,
    STAKES,
    ChangeState,
    has_alarmed,
    mean_steps,
    over_bets,
    rate_steps,
    stepped,
    update_mean,
    update_rate,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WEEK = 10_080
windows = st.lists(st.integers(0, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=12)


@given(st.integers(1, 30), st.floats(1e-4, 0.99), st.floats(1e-3, 1.0))
def test_no_bet_on_a_rate_wins_on_average_under_the_null(n: int, null: float, part: float) -> None:
    hits = np.arange(n + 1)
    for rate in (null, part * null):
        won = (binom.pmf(hits, n, rate)[:, None] * np.exp(rate_steps(n, hits, null))).sum(axis=0)
        assert (won <= 1.0 + 1e-9).all()
        if rate == null:
            assert won == pytest.approx(1.0)


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.01, 1.0)), min_size=1, max_size=6))
def test_no_bet_wins_on_average_on_values_between_zero_and_one(law: list[tuple[float, float]]) -> None:
    """Any discrete law on [0, 1]: sums of values stand for hits; and the bets on its mean by sums of squares."""
    values, weights = np.array(law).T
    chances = weights / weights.sum()
    mean = float((values * chances).sum())
    for null in (max(mean, 0.01), max(0.3, mean)):
        if null < 1.0:
            won = (chances[:, None] * np.exp(rate_steps(np.ones(values.size), values, null))).sum(axis=0)
            assert (won <= 1.0 + 1e-9).all()
        won = (chances[:, None] * np.exp(mean_steps(1, 7.0 * values, (7.0 * values) ** 2, 7.0 * null))).sum(axis=0)
        assert (won <= 1.0 + 1e-9).all()


@given(st.lists(st.floats(0.0, 20.0), min_size=1, max_size=20), st.floats(0.1, 10.0))
def test_bets_on_a_window_of_values_are_the_bets_on_its_values(values: list[float], null: float) -> None:
    each = np.array(values)
    together = mean_steps(each.size, each.sum(), (each**2).sum(), null)
    assert together == pytest.approx(mean_steps(1, each, each**2, null).sum(axis=0), rel=1e-6, abs=1e-6)


def alarms_of(hits: Ints, n: int, null: float, levels: Floats, kind: Literal["sum", "max"]) -> NDArray[np.bool_]:
    """Minutes x runs of alarms, each stream begun anew after its own; one level a minute, or one a minute and run."""
    log_m, alarms = np.full((hits.shape[1], len(ODDS)), -math.inf), np.zeros(hits.shape, dtype=bool)
    for minute, found in enumerate(hits):
        level = levels[minute] if levels.ndim == 1 else levels[minute][:, None]
        log_m = stepped(log_m, rate_steps(n, found, null), level, kind)
        alarms[minute] = over_bets(log_m) >= 0.0
        log_m[alarms[minute]] = -math.inf
    return alarms


@pytest.mark.parametrize("kind", ["sum", "max"])
@pytest.mark.parametrize("level", [0.1, 0.01])
def test_false_alarms_are_at_most_the_levels_spent(kind: Literal["sum", "max"], level: float) -> None:
    """1,000 streams of 400 looks at the null itself: at level .1 at most 40 alarms a stream, at .01 at most 4."""
    hits = np.random.default_rng(1).binomial(20, 0.05, (400, 1000))
    mean = alarms_of(hits, 20, 0.05, np.full(400, level), kind).sum() / 1000
    assert 0.0 < mean <= 400 * level
    if kind == "sum":
        assert mean >= 0.05 * 400 * level  # no gift: a rule that hardly speaks would pass as well


def test_the_first_false_alarm_comes_after_one_over_the_level_looks_on_average() -> None:
    """ARL >= 1 / level; streams without one in 3,000 looks count as 3,000, which is less than they are."""
    alarms = alarms_of(np.random.default_rng(2).binomial(20, 0.05, (3000, 300)), 20, 0.05, np.full(3000, 0.02), "sum")
    first = np.where(alarms.any(axis=0), alarms.argmax(axis=0) + 1, 3000)
    assert first.mean() >= 50.0


def test_levels_may_change_even_by_what_was_seen_before() -> None:
    """The level is high after each minute with many hits, in the hope to catch a false alarm."""
    hits = np.random.default_rng(3).binomial(20, 0.05, (400, 1000))
    levels = np.vstack([np.full((1, 1000), 0.001), np.where(hits[:-1] >= 3, 0.2, 0.001)])
    assert alarms_of(hits, 20, 0.05, levels, "sum").sum() <= levels.sum()


def test_streams_that_are_one_and_the_same_alarm_together_and_no_more_often() -> None:
    hits = np.repeat(np.random.default_rng(4).binomial(20, 0.05, (400, 100)), 10, axis=1)
    assert alarms_of(hits, 20, 0.05, np.full(400, 0.01), "sum").sum() / 1000 <= 4.0


@pytest.mark.parametrize(("rate", "minutes"), [(0.015, 60), (0.02, 20), (0.05, 5), (0.3, 1)])
def test_quiet_days_do_not_delay_what_comes_after(rate: float, minutes: int) -> None:
    """200 requests a minute at 1 % for 42 hours, level 1 / week, then a change: the median delay over 100 runs."""
    rng = np.random.default_rng(5)
    hits = np.vstack([rng.binomial(200, 0.01, (WEEK // 4, 100)), rng.binomial(200, rate, (200, 100))])
    alarms = alarms_of(hits, 200, 0.01, np.full(len(hits), 1.0 / WEEK), "sum")[WEEK // 4 :]
    assert alarms.any(axis=0).all()
    assert np.median(alarms.argmax(axis=0) + 1) <= minutes


def test_the_simulated_rule_is_the_rule_of_the_module() -> None:
    hits = np.random.default_rng(6).binomial(20, 0.08, (300, 1))
    for kind in ("sum", "max"):
        alarms, state, seen = alarms_of(hits, 20, 0.05, np.full(300, 0.01), kind), ChangeState(), []
        for found in hits[:, 0]:
            state = update_rate(state, 20, int(found), 0.05, 0.01, kind)
            seen.append(has_alarmed(state))
            state = ChangeState() if seen[-1] else state
        assert seen == alarms[:, 0].tolist()
        assert any(seen)


def test_a_mean_that_moved_is_found_the_sooner_the_less_it_scatters() -> None:
    """Values around .2, then .22: with a spread of .02 soon, with .1 later, and never without a change."""
    rng, delays = np.random.default_rng(7), {}
    for spread in (0.02, 0.1):
        state, delay = ChangeState(), 0
        for minute in range(2500):
            values = np.abs(rng.normal(0.2 if minute < 500 else 0.22, spread, 20))
            state = update_mean(state, 20, float(values.sum()), float((values**2).sum()), 0.2, 1e-4)
            if has_alarmed(state):
                delay = minute - 499
                break
        delays[spread] = delay
    assert 0 < delays[0.02] < delays[0.1]
    assert delays[0.02] <= 40


@settings(max_examples=60)
@given(windows, st.floats(0.001, 0.5), st.floats(1e-6, 1.0))
def test_the_sum_of_all_starts_is_never_below_the_best_start(
    seen: list[tuple[int, int]], null: float, level: float
) -> None:
    total = best = ChangeState()
    for n, hits in seen:
        total, best = update_rate(total, n, hits, null, level), update_rate(best, n, hits, null, level, "max")
    assert all(one >= other - 1e-9 for one, other in zip(total.log_m, best.log_m, strict=True))
    assert total.spent == pytest.approx(level * sum(n > 0 for n, _ in seen))
    assert (total.looks, total.n) == (sum(n > 0 for n, _ in seen), sum(n for n, _ in seen))


@settings(max_examples=60)
@given(windows, st.floats(0.001, 0.5))
def test_the_best_start_in_hindsight_is_the_largest_tail_of_the_steps(seen: list[tuple[int, int]], null: float) -> None:
    state = ChangeState()
    for n, hits in seen:
        state = update_rate(state, n, hits, null, 0.5, "max")
    steps = np.array([rate_steps(n, hits, null) for n, hits in seen if n]).reshape(-1, len(ODDS))
    tails = steps[::-1].cumsum(axis=0).max(axis=0) if len(steps) else np.full(len(ODDS), NOTHING)
    assert np.array(state.log_m) == pytest.approx(tails + (math.log(0.5) if len(steps) else 0.0), abs=1e-9)


@settings(max_examples=40)
@given(windows, windows, st.floats(0.001, 0.5))
def test_more_windows_never_take_an_alarm_back(
    seen: list[tuple[int, int]], more: list[tuple[int, int]], null: float
) -> None:
    state = ChangeState()
    for n, hits in seen:
        state = update_rate(state, n, hits, null, 0.01)
    later = state
    for n, hits in more:
        later = update_rate(later, n, hits, null, 0.01)
    assert later.log_largest >= state.log_largest
    assert has_alarmed(later) or not has_alarmed(state)


def test_an_empty_window_is_no_look_and_costs_nothing() -> None:
    state = update_rate(ChangeState(), 20, 3, 0.01, 0.001)
    assert update_rate(state, 0, 0, 0.01, 0.001) == state
    assert update_mean(state, 0, 0.0, 0.0, 0.2, 0.001) == state
    assert not has_alarmed(ChangeState())


def test_a_state_travels_as_json_also_before_the_first_look() -> None:
    for state in (ChangeState(), update_rate(ChangeState(), 20, 3, 0.01, 0.001)):
        assert msgspec.json.decode(msgspec.json.encode(state), type=ChangeState) == state
    assert len(ODDS) == len(STAKES) == len(ChangeState().log_m)


def test_what_cannot_be_is_refused() -> None:
    for n, hits in ((1, 2), (1, -1), (-1, 0), (math.nan, 0), (1, math.nan), (math.inf, 1)):
        with pytest.raises(ValueError, match=r"needed|finite"):
            update_rate(ChangeState(), n, hits, 0.01, 0.001)  # type: ignore[arg-type]
    for null in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="null_rate"):
            update_rate(ChangeState(), 1, 0, null, 0.001)
    for level in (0.0, 1.5, math.nan):
        with pytest.raises(ValueError, match="level"):
            update_rate(ChangeState(), 1, 0, 0.01, level)
    for n, total, squares in ((2, 3.0, 1.0), (0, 1.0, 1.0), (2, -1.0, 1.0), (2, 1.0, math.nan), (2, math.inf, 1.0)):
        with pytest.raises(ValueError, match=r"no .* values|finite"):
            update_mean(ChangeState(), n, total, squares, 0.2, 0.001)
    for null in (0.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="null_mean"):
            update_mean(ChangeState(), 2, 1.0, 1.0, null, 0.001)
