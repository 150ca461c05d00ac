"""A caller who alone is out of distribution again and again is told; a world that drifts is not one caller's doing."""

from __future__ import annotations

import numpy as np

from shipworthy.observe.caller_ood import MOST_CALLERS, CallerOod


def others(watch: CallerOod, n: int, flagged: bool = False, hour: int = 1) -> list[int]:
    return [watch.add(f"p-other-{i % 3}", flagged, hour) for i in range(n)]


def test_five_flagged_requests_of_one_caller_are_an_alarm() -> None:
    watch = CallerOod()
    others(watch, 20)
    assert [watch.add("p-1", True, 1) for _ in range(6)] == [0, 0, 0, 0, 5, 0]


def test_an_alarm_says_on_how_many_it_rests_and_the_next_begins_anew() -> None:
    watch = CallerOod(level=1e-9)
    others(watch, 20)
    assert [watch.add("p-1", True, 1) for _ in range(14)] == [0] * 6 + [7] + [0] * 6 + [7]


def test_with_nobody_to_compare_with_there_is_no_alarm() -> None:
    watch = CallerOod()
    others(watch, 19)
    assert [watch.add("p-1", True, 1) for _ in range(40)] == [0] * 40
    assert watch.add("p-other-0", False, 1) == 0
    assert watch.add("p-1", True, 1) == 41  # what was seen meanwhile is not forgotten


def test_when_all_are_flagged_it_is_the_world_that_changed() -> None:
    watch = CallerOod()
    assert others(watch, 3000, flagged=True) == [0] * 3000


def test_four_in_five_flagged_requests_must_be_the_callers() -> None:
    for theirs, alarms in ((1, True), (2, False)):
        watch = CallerOod()
        others(watch, 40)
        others(watch, theirs, flagged=True)
        told = [watch.add("p-1", True, 1) for _ in range(5)]
        assert (max(told) > 0) is alarms


def test_shares_are_of_the_hour() -> None:
    watch = CallerOod()
    others(watch, 40, flagged=True)
    others(watch, 20, hour=2)
    assert [watch.add("p-1", True, 2) for _ in range(5)][-1] == 5


def test_honest_callers_raise_no_more_alarms_than_is_promised() -> None:
    """100,000 requests of 40 callers, 1 % flagged, at level 1 in 1,000: at most 100 alarms are promised."""
    rng = np.random.default_rng(5)
    watch = CallerOod(level=1e-3)
    callers, flags = rng.integers(0, 40, 100_000).tolist(), (rng.random(100_000) < 0.01).tolist()
    alarms = sum(watch.add(f"p-{caller}", flag, 1) > 0 for caller, flag in zip(callers, flags, strict=True))
    assert alarms <= 100


def test_a_flood_of_callers_takes_bounded_memory() -> None:
    watch = CallerOod()
    for i in range(5 * MOST_CALLERS):
        watch.add(f"p-{i}", False, 1)
    assert len(watch) == MOST_CALLERS
    assert [watch.add("p-1", True, 2) for _ in range(5)] == [0] * 5  # in a new hour there is nobody else yet
    others(watch, 20, hour=2)
    assert watch.add("p-1", True, 2) == 6


def test_over_the_limit_a_caller_is_one_of_the_others() -> None:
    watch = CallerOod(most=2)
    others(watch, 30)
    assert [watch.add("p-1", True, 1) for _ in range(30)] == [0] * 30
