"""Segments: one canonical text, set containment per key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import canonical_segment, contains, holds, parse_segment

names = st.text(min_size=1, max_size=8)
terms = st.dictionaries(
    names.filter(lambda key: key != "tenant"), st.frozensets(names, min_size=1, max_size=3), max_size=2
)


@given(terms)
def test_the_canonical_text_reads_back_as_itself(given_: dict[str, frozenset[str]]) -> None:
    text = canonical_segment(given_)
    assert parse_segment(text) == given_
    assert canonical_segment(parse_segment(text)) == text


@given(terms, terms)
def test_containment_is_what_holds_says(outer: dict[str, frozenset[str]], inner: dict[str, frozenset[str]]) -> None:
    wide, narrow = canonical_segment(outer), canonical_segment(inner)
    one = {key: min(values) for key, values in inner.items()}
    if contains(wide, narrow):
        assert holds(wide, one)
    assert contains("*", narrow)
    assert contains(wide, wide)


@pytest.mark.parametrize("text", ["", "a", "a=", "=b", "b=1;a=1", "a=2,1", "a=1;a=2", "a=1;b=2;c=3", "a=*"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"segment|canonical"):
        parse_segment(text)


def test_a_request_without_the_key_is_never_inside() -> None:
    assert not holds("supplier=P42", {"jurisdiction": "J1"})
    assert holds("supplier=P42,P73", {"supplier": "P73"})
    assert holds("*", {})


def test_the_tenant_does_not_count_among_the_two_terms() -> None:
    assert canonical_segment({"tenant": ["a"], "x": ["1"], "y": ["2"]}) == "tenant=a;x=1;y=2"
