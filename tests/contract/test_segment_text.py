from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.segment_text import segment_text
from shipworthy.facts import parse_segment

_WORDS = st.text(min_size=1, max_size=6)


@given(st.dictionaries(_WORDS, st.lists(_WORDS, min_size=1, max_size=3), max_size=2))
def test_a_mapping_and_its_canonical_text_are_the_same_segment(terms: dict[str, list[str]]) -> None:
    text = segment_text(terms)
    assert segment_text(text) == text
    assert parse_segment(text) == {key: frozenset(values) for key, values in terms.items()}


@pytest.mark.parametrize("value", [None, 1, ["a"], {"a": True}, {"a": 1.5}, {"a": []}, {"a": None}, "a", "b=1;a=1", ""])
def test_anything_else_is_no_segment(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        segment_text(value)
