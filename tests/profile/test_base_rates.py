from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.profile.base_rates import LEAST_ROWS, base_rates
from shipworthy.profile.rows import Row

AGE = Feature(name="age", type="int", bins=(25.0, 65.0))
SUPPLIERS = st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(0, 1)), min_size=0, max_size=260)


@given(SUPPLIERS)
def test_no_value_of_fewer_than_twenty_rows_is_told_nor_can_be_subtracted(drawn: list[tuple[str, int]]) -> None:
    rows: list[Row] = [{"supplier": value, "label": truth} for value, truth in drawn]
    found = {one.segment: one for one in base_rates(rows, "label", {"supplier": None})}
    if len(rows) < LEAST_ROWS:
        assert found == {}
        return
    whole, parts = found.pop("*"), list(found.values())
    assert (whole.n, whole.positive) == (len(rows), sum(truth for _, truth in drawn))
    assert all(one.n >= LEAST_ROWS for one in parts)
    if parts:
        assert sum(one.n for one in parts) == whole.n
        assert sum(one.positive for one in parts) == whole.positive
    counts = Counter(drawn)
    for segment, one in found.items():
        value = segment.removeprefix("supplier=")
        if value != "__other__":
            assert (one.n - one.positive, one.positive) == (counts[value, 0], counts[value, 1])
    assert len(parts) >= sum(n >= 2 * LEAST_ROWS for n in Counter(value for value, _ in drawn).values()) - 1


def test_one_small_group_is_hidden_together_with_the_next() -> None:
    rows: list[Row] = [{"supplier": value, "label": 1} for value in "a" * 50 + "b" * 30 + "c" * 3]
    found = {one.segment: one.n for one in base_rates(rows, "label", {"supplier": None})}
    assert found == {"*": 83, "supplier=a": 50, "supplier=__other__": 33}


def test_numbers_are_told_by_their_bins_and_empty_cells_by_their_name() -> None:
    rows: list[Row] = [{"age": 30, "label": at % 2} for at in range(40)] + [{"age": None, "label": 1}] * 30
    assert [(one.segment, one.n, one.positive) for one in base_rates(rows, "label", {"age": AGE})] == [
        ("*", 70, 50),
        ("age=25_to_65", 40, 20),
        ("age=__missing__", 30, 30),
    ]


def test_rows_without_a_label_are_left_out() -> None:
    rows: list[Row] = [{"label": 1}] * 25 + [{"label": None}, {"label": "1"}, {"label": 2}, {}]
    assert [(one.segment, one.n) for one in base_rates(rows, "label", {})] == [("*", 25)]
    assert base_rates(rows[10:], "label", {}) == ()
