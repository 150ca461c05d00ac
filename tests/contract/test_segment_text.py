from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.problems import Findings
from shipworthy.contract.segment_text import segment_text, unknown_keys
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


KNOWN = {"office": None, "age": frozenset({"lt_18", "ge_18"}), "flag": frozenset({"0", "1"})}


@pytest.mark.parametrize(
    "segment",
    ["*", "office=anything", "age=ge_18", "age=__missing__", "age=__missing__,lt_18", "flag=1;tenant=acme", "tenant=a"],
)
def test_a_segment_that_something_could_lie_in_is_sound(segment: str) -> None:
    found = Findings("f")
    unknown_keys(segment, KNOWN, ("segment",), found)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("segment", "told"),
    [
        ("age=18", "segment: age is never '18'"),
        ("age=ge_18,lt_19", "segment: age is never 'lt_19'"),
        ("flag=true", "segment: flag is never 'true'"),
        ("ofice=P1", "segment: unknown segment key 'ofice'"),
    ],
)
def test_a_segment_that_nothing_lies_in_limits_nothing_and_is_refused(segment: str, told: str) -> None:
    found = Findings("f")
    unknown_keys(segment, KNOWN, ("segment",), found)
    assert [problem.what for problem in found.problems] == [told]
