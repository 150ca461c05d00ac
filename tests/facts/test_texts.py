"""One rule for what is a text and what is a missing one."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import texts
from shipworthy.facts.texts import as_text


@pytest.mark.parametrize(
    "cell", [None, "", " ", "\n\t", "\u200b\u2060", "\x00\x01", "\ud800", "ok \udfff", True, math.nan]
)
def test_what_nobody_can_read_is_missing(cell: str | bool | float | None) -> None:
    assert as_text(cell) is None


@pytest.mark.parametrize(("cell", "text"), [(7, "7"), (7.0, "7"), (-0.5, "-0.5"), (2002, "2002")])
def test_a_number_is_the_text_that_spelled_it(cell: float, text: str) -> None:
    assert as_text(cell) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_text_is_never_changed(text: str) -> None:
    assert as_text(text) in (text, None)
    assert as_text(f"a{text}") == f"a{text}"


def test_the_examples_are_true() -> None:
    assert doctest.testmod(texts).failed == 0
