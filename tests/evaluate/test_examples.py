from __future__ import annotations

import math

from shipworthy.evaluate.examples import example
from shipworthy.facts import canonical


def test_a_changed_row_is_told_by_its_place_and_what_changed() -> None:
    found = example("score 0.61 -> 0.44", 3, {"belt": 0, "speed": 4}, {"belt": 1, "speed": 4})
    assert found.told == "row 3: score 0.61 -> 0.44: belt 0 -> 1"
    assert (found.row, found.before, found.after) == (3, {"belt": 0}, {"belt": 1})


def test_a_row_that_ran_as_it_stands_shows_none_of_its_values() -> None:
    found = example("score none", 0, {"belt": 0})
    assert (found.before, found.after) == ({}, {})


def test_a_cell_that_is_no_number_stays_the_same_and_can_be_written_down() -> None:
    row = {"amount": math.nan, "belt": 0}
    assert example("x", 0, row, dict(row)).after == {}
    assert example("x", 0, row, {**row, "amount": float("nan")}).after == {}
    found = example("x", 0, row, {**row, "amount": math.inf, "belt": 1})
    assert found.after == {"amount": "inf", "belt": 1}
    assert found.before == {"amount": "nan", "belt": 0}
    assert canonical(found)
