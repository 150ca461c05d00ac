"""What is let go first, and that the rest is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.retry import RESERVE, RetryBudget
from shipworthy.deploy.http.shed import (
    BATCH,
    FLOOR,
    INTERACTIVE,
    PARTS,
    SHADOW,
    SURPLUS,
    Overloaded,
    Shed,
    candidate_cap,
)

ORDER = (SURPLUS, BATCH, INTERACTIVE)


def refused(shed: Shed, kind: str, queued_s: float) -> bool:
    try:
        shed.refuse(kind, queued_s)
    except Overloaded:
        return True
    return False


@given(st.floats(0, 10), st.floats(0.01, 10))
def test_what_is_refused_later_is_never_refused_before_what_is_refused_earlier(
    queued_s: float, budget_s: float
) -> None:
    shed = Shed(budget_s, 64)
    gone = [not shed.shadows(queued_s, 5_000), *(refused(shed, kind, queued_s) for kind in ORDER)]
    assert gone == sorted(gone, reverse=True)
    assert gone[-1] == (queued_s > budget_s)
    assert shed.told() == {**dict(zip((SHADOW, *ORDER), map(int, gone), strict=True)), "moved": 0}


@pytest.mark.parametrize("kind", ORDER)
def test_each_kind_has_its_part_of_the_budget(kind: str) -> None:
    shed = Shed(0.8, 64)
    assert not refused(shed, kind, 0.8 * PARTS[kind])
    assert refused(shed, kind, 0.8 * PARTS[kind] + 1e-6)


@pytest.mark.parametrize(("queued_s", "retry_after_s"), [(0.9, 1), (1.0, 1), (1.2, 2), (7.0, 7)])
def test_who_is_refused_hears_when_to_come_back(queued_s: float, retry_after_s: int) -> None:
    with pytest.raises(Overloaded, match="interactive") as caught:
        Shed(0.8, 64).refuse(INTERACTIVE, queued_s)
    assert caught.value.retry_after_s == retry_after_s


@given(st.integers(0, 10_000), st.integers(4, 1000))
def test_a_candidate_has_one_and_a_half_times_its_share_within_a_floor_and_the_whole(share_bp: int, cap: int) -> None:
    mine = candidate_cap(share_bp, cap)
    assert FLOOR <= mine <= cap
    assert mine >= min(cap, 1.5 * cap * share_bp / 10_000)
    assert mine <= max(FLOOR, 1.5 * cap * share_bp / 10_000 + 1)
    assert candidate_cap(min(10_000, share_bp + 1), cap) >= mine


def test_room_follows_the_share() -> None:
    shed = Shed(0.8, 64)
    shed.in_hand = 47
    assert shed.has_room(5_000)
    shed.in_hand = 48
    assert not shed.has_room(5_000)
    assert not shed.shadows(0.0, 5_000)
    assert shed.has_room(10_000)
    assert not shed.has_room(100)


def test_what_is_moved_is_counted_and_refused_when_the_baseline_is_busy() -> None:
    shed = Shed(0.8, 64)
    shed.move(0.2)
    with pytest.raises(Overloaded, match="surplus"):
        shed.move(0.21)
    assert shed.told()["moved"] == 1


@given(st.lists(st.booleans(), max_size=300))
def test_retries_are_a_tenth_of_the_requests_and_a_reserve(asked: list[bool]) -> None:
    budget, retries = RetryBudget(), 0
    for again in asked:
        budget.earn()
        retries += again and budget.spend()
    assert retries <= RESERVE + 0.1 * len(asked)
    if len(asked) <= RESERVE:
        assert retries == sum(asked)


def test_a_budget_that_is_spent_grows_again_but_not_beyond_its_reserve() -> None:
    budget = RetryBudget()
    while budget.spend():
        pass
    for _ in range(9):
        budget.earn()
    assert not budget.spend()
    budget.earn()
    budget.earn()
    assert budget.spend()
    for _ in range(1000):
        budget.earn()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
