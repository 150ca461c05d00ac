"""Many cells are read as each is alone, whatever stands in them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.profile.reading import as_numbers, as_words, columns_of, numbers_of
from shipworthy.profile.rows import as_category, as_number

LARGE = int(1e300)
PLAIN = st.one_of(st.floats(), st.integers(-5, 5), st.booleans(), st.none())
ANY = st.one_of(
    PLAIN,
    st.sampled_from([LARGE, LARGE - 1, -LARGE, -LARGE + 1, 10**400, 1e300, -1e300, "", "12", "a", np.float32(2), [1]]),
)


def told(cells: list[Any]) -> list[float]:
    return [math.nan if (one := as_number(cell)) is None else one for cell in cells]


@given(st.one_of(st.lists(PLAIN), st.lists(st.sampled_from([LARGE, LARGE - 1, -LARGE + 1, 1e300, 2.5])), st.lists(ANY)))
def test_numbers_are_read_as_alone(cells: list[Any]) -> None:
    np.testing.assert_array_equal(as_numbers(cells), told(cells))


@given(st.one_of(st.lists(st.sampled_from(["a", "", None])), st.lists(ANY)))
def test_words_are_read_as_alone(cells: list[Any]) -> None:
    assert list(as_words(cells)) == [as_category(cell) for cell in cells]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), PLAIN), max_size=5), st.booleans())
def test_rows_of_any_kind_become_columns(rows: list[dict[str, Any]], proxied: bool) -> None:
    given_: list[Mapping[str, Any]] = [MappingProxyType(row) for row in rows] if proxied else list(rows)
    for names in ((), ("a",), ("a", "b", "c")):
        assert columns_of(given_, names) == [tuple(row.get(name) for row in rows) for name in names]
        columns = np.array([told([row.get(name) for row in rows]) for name in names]).reshape(len(names), len(rows))
        np.testing.assert_array_equal(numbers_of(given_, names), columns)
