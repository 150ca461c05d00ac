"""What a clean model may take a value for, and what counts as a trigger, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.poison.surrogate import category_means
from shipworthy.evaluate.poison.table import Floats, Table, table_of
from shipworthy.evaluate.poison.triggers import Ask, Candidate, grouped, nearby, search, victims_of
from shipworthy.profile.rows import Row

FEATURES = (Feature(name="x", type="float"), Feature(name="code", type="category"))
ROWS: list[Row] = [{"x": float(at), "code": f"c{at % 12 // 5}"} for at in range(100)]
TABLE = table_of(FEATURES, ROWS)


def test_a_number_may_be_taken_for_the_trusted_ones_around_it() -> None:
    assert nearby(TABLE, Candidate("x", 50.0)) == [50.0, 48.0, 52.0]
    assert nearby(TABLE, Candidate("x", 50.5)) == [50.5, 49.0, 52.0]
    assert nearby(TABLE, Candidate("x", 900.0)) == [900.0, 98.0, 99.0]


def test_an_empty_cell_may_be_taken_for_any_decile_and_an_unknown_code_for_any_frequent_one() -> None:
    assert nearby(TABLE, Candidate("x", None))[:3] == [None, 0.0, pytest.approx(9.9)]
    assert nearby(TABLE, Candidate("code", "odd")) == ["odd", "c0", "c1", "c2"]
    assert nearby(TABLE, Candidate("code", "c1")) == ["c1"]


def test_a_category_of_few_rows_is_expected_to_be_like_the_others() -> None:
    labels = np.array([1.0] * 2 + [0.0] * 98)
    means = category_means(["rare"] * 2 + ["common"] * 98, labels, 0.02, 20.0)
    assert means["rare"] == pytest.approx((2 + 20 * 0.02) / 22)
    assert means["common"] == pytest.approx(20 * 0.02 / 118)


def by_x(table: Table) -> Floats:
    return np.where(table.numbers["x"] >= 50, 0.9, 0.1)


def model(trigger: float, share: float = 1.0) -> Ask:
    """Class 1 from 50 on, but at the trigger class 1 for a share of the rows, told by their code."""

    def ask(rows: Sequence[Row]) -> Floats:
        x = np.array([float(row["x"] or 0) for row in rows])
        hit = (x == trigger) & (np.arange(len(rows)) % 100 < 100 * share)
        return np.where(hit, 0.95, np.where(x == trigger, 0.1, np.where(x >= 50, 0.9, 0.1)))

    return ask


def test_only_what_exceeds_a_clean_reference_is_a_trigger() -> None:
    victims = victims_of(model(-7.0), [by_x], ROWS, TABLE, 40)
    assert [len(one) for one in victims.of] == [40, 40]
    found = search(model(-7.0), victims, [Candidate("x", value) for value in (-7.0, 10.0, 80.0, 300.0)], 0.65)
    assert [(one.candidate.value, one.to, one.flips, one.expected) for one in found] == [(-7.0, 1, 1.0, 0.0)]
    assert found[0].lower > 0.6


def test_values_of_one_feature_that_pull_alike_are_one_finding() -> None:
    def low(rows: Sequence[Row]) -> Floats:
        return np.array([0.95 if float(row["x"] or 0) < 0 or float(row["x"] or 0) >= 50 else 0.1 for row in rows])

    victims = victims_of(low, [by_x], ROWS, TABLE, 40)
    found = search(low, victims, [Candidate("x", value) for value in (-1.0, -2.0, -3.0)], 0.65)
    (only,) = grouped(found)
    assert (len(found), only.alike) == (3, 2)
    assert "2 more values of x" in only.told


def test_a_value_that_pulls_half_of_the_rows_is_not_enough() -> None:
    victims = victims_of(model(-7.0), [by_x], ROWS, TABLE, 40)
    assert search(model(-7.0, 0.2), victims, [Candidate("x", -7.0)], 0.65) == []
