from __future__ import annotations

import doctest
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.web import axes
from shipworthy.web.axes import Axis, linear, logarithmic, moment, nice_ticks, week

numbers = st.floats(-1e6, 1e6, allow_nan=False)


def test_the_examples_hold() -> None:
    assert doctest.testmod(axes).failed == 0


@given(st.floats(1e-6, 1e9))
def test_a_linear_axis_holds_its_top_and_has_a_few_round_ticks(top: float) -> None:
    axis = linear(top, "")
    assert axis.lo == 0.0
    assert axis.hi >= top * (1 - 1e-6)
    assert 3 <= len(axis.ticks) <= 12
    assert len({text for _, text in axis.ticks}) == len(axis.ticks)


@given(st.sampled_from([linear(3.0, ""), logarithmic(1e-4, ""), week(-3.0, 170.0)]), numbers, numbers)
def test_an_axis_keeps_the_order_of_values_and_stays_inside(axis: Axis, a: float, b: float) -> None:
    low, high = axis.share(min(a, b)), axis.share(max(a, b))
    assert 0.0 <= low <= high <= 1.0


@given(st.floats(-50, 0), st.floats(0, 5000))
def test_every_tick_of_time_lies_inside_and_labels_do_not_crowd(first: float, last: float) -> None:
    axis = week(first, last)
    places = [axis.share(value) for value, _ in axis.ticks]
    assert 1 <= len(places) <= 24
    assert all(axis.lo - 1e-6 <= value <= axis.hi + 1e-6 for value, _ in axis.ticks)  # round numbers, rounded
    assert all(b - a > 0.02 for a, b in itertools.pairwise(places))
    assert all(axis.lo < line < axis.hi for line in axis.lines or ())


@pytest.mark.parametrize(
    ("last", "labels"),
    [
        (1, ["Mon 06:00", "Mon 07:00"]),
        (24, ["Mon 06:00", "Mon 12:00", "Mon 18:00", "Tue 00:00", "Tue 06:00"]),
        (66, ["Mon", "Tue", "Wed"]),
        (24 * 7 - 6, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
        (24 * 24, ["week 1", "week 2", "week 3", "week 4"]),
    ],
)
def test_time_is_told_in_hours_days_or_weeks(last: float, labels: list[str]) -> None:
    assert [text for _, text in week(0, last).ticks] == labels


def test_days_begin_at_midnight() -> None:
    assert week(0, 66).lines == (18.0, 42.0)
    assert moment(-8) == "Sun 22:00"


def test_a_p_value_of_zero_is_drawn_at_the_edge() -> None:
    axis = logarithmic(0.0, "p")
    assert axis.share(0.0) == 0.0
    assert axis.share(1.0) == 1.0
    assert logarithmic(0.5, "p").lo == 0.01


def test_ticks_of_no_range_are_still_ticks() -> None:
    assert nice_ticks(2.0, 2.0)
