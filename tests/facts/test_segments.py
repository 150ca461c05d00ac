"""Segments: one canonical text, set containment per key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import bin_name, bin_names, canonical_segment, contains, holds, parse_segment

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


@pytest.mark.parametrize(
    ("outer", "inner", "inside"),
    [
        ("a=1,2", "a=1", True),
        ("a=1", "a=1,2", False),
        ("a=1,2", "a=2,3", False),
        ("a=1", "*", False),
        ("*", "a=1", True),
        ("a=1", "a=1;b=2", True),
        ("a=1;b=2", "a=1", False),
    ],
)
def test_containment_is_of_every_request(outer: str, inner: str, inside: bool) -> None:
    assert contains(outer, inner) is inside


def test_a_request_without_the_key_is_never_inside() -> None:
    assert not holds("supplier=P42", {"jurisdiction": "J1"})
    assert holds("supplier=P42,P73", {"supplier": "P73"})
    assert holds("*", {})


def test_the_tenant_does_not_count_among_the_two_terms() -> None:
    assert canonical_segment({"tenant": ["a"], "x": ["1"], "y": ["2"]}) == "tenant=a;x=1;y=2"


edges = st.lists(
    st.floats(-1e9, 1e9, allow_subnormal=False) | st.integers(-(10**6), 10**6), min_size=1, max_size=4, unique=True
)


@given(edges.map(sorted), st.floats(-1e12, 1e12))
def test_every_number_has_one_of_the_bins_and_every_bin_a_name_of_its_own(given_: list[float], number: float) -> None:
    names_ = bin_names(given_)
    assert len(set(names_)) == len(given_) + 1
    assert bin_name(given_, number) in names_
    at = sum(edge <= number for edge in given_)
    assert bin_name(given_, number) == names_[at]
    assert parse_segment(canonical_segment({"age": names_})) == {"age": frozenset(names_)}


def test_large_edges_keep_names_of_their_own() -> None:
    assert bin_names((1_000_000, 1_000_001)) == ("lt_1000000", "1000000_to_1000001", "ge_1000001")
    assert bin_names((-2.5, 0)) == ("lt_-2.5", "-2.5_to_0", "ge_0")
    assert bin_names(()) == ()
