from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.profile.groups import group_of, groups_of

AGE = Feature(name="age", type="int", bins=(25.0, 65.0, 75.0))


@given(st.floats(min_value=-1e299, max_value=1e299))
def test_every_number_is_in_one_of_the_declared_groups(number: float) -> None:
    assert group_of(AGE, number) in groups_of(AGE)


def test_an_edge_belongs_to_the_group_above_it() -> None:
    assert [group_of(AGE, value) for value in (24.999, 25, 74, 75)] == ["lt_25", "25_to_65", "65_to_75", "ge_75"]


def test_a_column_that_is_no_feature_is_its_own_group() -> None:
    assert group_of(None, "alder") == "alder"
    assert group_of(None, 7) == "7"


def test_nothing_is_a_group_of_its_own() -> None:
    assert group_of(AGE, None) == group_of(AGE, "old") == group_of(None, "") == "__missing__"
