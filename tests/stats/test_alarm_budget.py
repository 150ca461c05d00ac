"""The budget: never overspent, whoever comes and goes; and what it promises, by simulation of dependent streams."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.alarm_budget import (
    Allocation,
    Share,
    Stream,
    admit,
    allocate,
    crossed,
    expected_false_pages,
    leave,
    told,
)
from shipworthy.stats.change import ODDS, over_bets, rate_steps, stepped

looks = st.floats(0.1, 1e6)
streams = st.lists(st.tuples(looks, st.floats(0.01, 100.0)), max_size=12).map(
    lambda pairs: [Stream(f"s{at}", each, weight) for at, (each, weight) in enumerate(pairs)]
)


@given(streams, st.floats(0.01, 20.0), st.sampled_from([0.0, 0.2, 0.9]))
def test_declared_streams_share_the_budget_by_weight(declared: list[Stream], budget: float, reserve: float) -> None:
    held = allocate(budget, declared, reserve)
    assert held.expected <= budget * (1.0 - reserve) * (1.0 + 1e-9)
    assert sorted(held.levels) == sorted(one.name for one in declared)
    total = sum(one.weight for one in declared)
    for one in declared:
        assert 0.0 < held.levels[one.name] <= 1.0
        if held.levels[one.name] < 1.0:
            pages = held.levels[one.name] * one.looks_per_week
            assert pages == pytest.approx(budget * (1.0 - reserve) * one.weight / total)


@given(
    streams,
    st.lists(st.tuples(st.integers(0, 9), st.booleans(), looks), max_size=40),
    st.sampled_from([0.05, 0.2, 0.6]),
)
def test_whoever_comes_and_goes_the_sum_never_exceeds_the_budget_and_nobody_else_moves(
    declared: list[Stream], moves: list[tuple[int, bool, float]], reserve: float
) -> None:
    held = allocate(1.0, declared, reserve)
    for which, comes, each in moves:
        before, name = held.levels, f"late{which}"
        if comes and name not in before:
            held = admit(held, Stream(name, each))
        elif name in before:
            held = leave(held, name)
        assert held.expected <= 1.0 + 1e-9
        assert {other: level for other, level in held.levels.items() if other != name} == {
            other: level for other, level in before.items() if other != name
        }


def test_a_thousand_newcomers_fit_and_a_free_seat_is_taken_again() -> None:
    held = allocate(1.0, [], reserve=0.2)
    for at in range(1000):
        held = admit(held, Stream(f"s{at}", 10_080.0))
    assert 0.199 < held.expected < 0.2
    again = admit(leave(held, "s0"), Stream("new", 10_080.0))
    assert again.levels["new"] == held.levels["s0"] == pytest.approx(0.1 / 10_080)


def test_streams_are_all_choices_of_signal_feature_and_segment() -> None:
    made = crossed(168.0, {"drift": 1.0, "missing": 0.5}, {"age": 2.0, "speed": 1.0}, {"*": 4.0, "state=MA": 1.0})
    assert len(made) == 8
    assert {one.name: one.weight for one in made}["missing/age/*"] == 4.0
    held = allocate(1.0, made)
    assert held.expected == pytest.approx(0.8)
    assert held.levels["drift/age/*"] == pytest.approx(4.0 * held.levels["missing/speed/*"])


def test_the_number_of_the_page_counts_the_looks_that_were_taken() -> None:
    held = allocate(1.0, [Stream("a", 10_080.0), Stream("b", 168.0)])
    said = {share.name: share.looks_per_week for share in held.shares}
    assert expected_false_pages(held.levels, said) == pytest.approx(held.expected) == pytest.approx(0.8)
    assert expected_false_pages(held.levels, {**said, "b": 336.0}) == pytest.approx(1.2)
    assert expected_false_pages({}, {}) == 0.0


@given(st.floats(0.0, 100.0))
def test_the_line_of_the_page_never_tells_less_than_is_expected(expected: float) -> None:
    line = told(expected, 1.0)
    number = float(line.removeprefix("at most ").split()[0])
    assert expected - 1e-6 <= number <= expected + 0.1
    assert ("above the budget of 1" in line) == (expected > 1.0 + 1e-9)


def test_two_hundred_streams_that_share_their_noise_page_falsely_no_more_than_the_budget() -> None:
    """40 segments see the same 5 global streams: 30 weeks of 168 hourly looks at the null, budget 2 a week."""
    rng, weeks = np.random.default_rng(1), 30
    made = crossed(168.0, {f"signal{at}": 1.0 + at for at in range(5)}, {f"segment{at}": 1.0 for at in range(40)})
    held = allocate(2.0, made, reserve=0.0)
    level = np.array([held.levels[one.name] for one in made])[:, None]
    log_m, pages = np.full((200, len(ODDS)), -math.inf), 0
    for _ in range(168 * weeks):
        hits = np.repeat(rng.binomial(50, 0.1, 5), 40)
        log_m = stepped(log_m, rate_steps(50, hits, 0.1), level)
        alarm = over_bets(log_m) >= 0.0
        log_m[alarm] = -math.inf
        pages += int(alarm.sum())
    assert held.expected == pytest.approx(2.0)
    assert pages <= 2.0 * weeks


def test_an_allocation_travels_as_json() -> None:
    held = admit(allocate(1.0, [Stream("a", 10.0)]), Stream("b", 5.0))
    assert msgspec.json.decode(msgspec.json.encode(held), type=Allocation) == held
    assert held.shares[1] == Share("b", held.levels["b"], 5.0, 1)
    assert held.levels["b"] == pytest.approx(0.02)


def test_what_cannot_be_is_refused() -> None:
    for budget, reserve in ((0.0, 0.2), (math.inf, 0.2), (math.nan, 0.2), (1.0, 1.0), (1.0, -0.1), (1.0, math.nan)):
        with pytest.raises(ValueError, match="budget"):
            allocate(budget, [], reserve)
    for each, weight in ((0.0, 1.0), (math.inf, 1.0), (math.nan, 1.0), (1.0, 0.0), (1.0, math.nan)):
        with pytest.raises(ValueError, match="looks"):
            allocate(1.0, [Stream("a", each, weight)])
        with pytest.raises(ValueError, match="looks"):
            admit(allocate(1.0, []), Stream("a", each, weight))
    held = allocate(1.0, [Stream("a", 1.0)])
    with pytest.raises(ValueError, match="one name"):
        allocate(1.0, [Stream("a", 1.0), Stream("a", 2.0)])
    with pytest.raises(ValueError, match="already"):
        admit(held, Stream("a", 1.0))
    with pytest.raises(ValueError, match="reserve"):
        admit(allocate(1.0, [], reserve=0.0), Stream("b", 1.0))
    with pytest.raises(KeyError, match="b"):
        leave(held, "b")
    with pytest.raises(ValueError, match="other streams"):
        expected_false_pages({"a": 0.1}, {"b": 1.0})
    for level, taken in ((1.1, 1.0), (-0.1, 1.0), (math.nan, 1.0), (0.1, -1.0), (0.1, math.nan), (0.1, math.inf)):
        with pytest.raises(ValueError, match="level"):
            expected_false_pages({"a": level}, {"a": taken})
    for expected in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="expected"):
            told(expected, 1.0)
