"""Mutations are aimed at what the rows say: the feature that tells most, the smallest group that is not tiny."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipworthy.evaluate.mutants.kind import NotMade
from tests.evaluate.benches import FEATURES, rows
from tests.evaluate.mutants.known import known


def test_the_strongest_feature_comes_first_and_noise_last() -> None:
    names = [one.name for one in known().telling]
    assert names[0] == "speed"
    assert names.index("belt") < names.index("age")
    assert "sex" not in names  # a category is no number


def test_features_that_never_vary_tell_nothing() -> None:
    still = [{**row, "speed": 2, "amount": 1.0, "paid": 1.0, "belt": 0, "age": 40} for row in rows(50, 1)]
    with pytest.raises(NotMade, match="no number"):
        _ = replace(known(), train=still).telling


def test_the_group_is_the_smallest_protected_one_of_at_least_8_percent() -> None:
    feature, group = known().group
    assert (feature.name, group) == ("age", "lt_25")  # 9 of 79 years; f, m and the others are larger


def test_without_protected_features_any_group_will_do_and_without_groups_none_is_made() -> None:
    plain = tuple(one for one in FEATURES if not one.protected)
    assert replace(known(), features=plain).group[0].name in ("supplier", "belt")
    with pytest.raises(NotMade, match="no feature makes a group"):
        _ = replace(known(), features=tuple(one for one in plain if one.type in ("int", "float"))).group


def test_a_tiny_group_is_passed_over() -> None:
    train = [{**row, "sex": "x" if place < 6 else "fm"[place % 2], "age": 40} for place, row in enumerate(rows(200, 2))]
    assert replace(known(), train=train).group[1] in ("f", "m")  # x has 3 %


def test_each_mutant_draws_for_itself() -> None:
    first, again, other = (known().draws(name).random() for name in ("a", "a", "b"))
    assert first == again != other
