"""Canonical bytes: the same fact has the same name everywhere, and no broken number has one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import Measurement, Scope, canonical, digest, seed_of


def test_the_order_of_keys_does_not_matter() -> None:
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})


def test_a_fact_and_its_plain_form_have_the_same_digest() -> None:
    assert digest(Scope(model="m")) == digest({"model": "m", "version": "*", "tenant": "*", "segment": "*"})


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_broken_number_has_no_canonical_bytes(broken: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        canonical({"deep": [{"er": broken}]})
    with pytest.raises(ValueError, match="not a finite number"):
        canonical(Measurement(indicator="auroc", n=1, value=broken, lo=0.0, hi=1.0))


@given(st.text(), st.text())
def test_seeds_differ_by_their_parts(a: str, b: str) -> None:
    assert 0 <= seed_of(1, a) < 2**63
    assert (seed_of(1, a) == seed_of(1, b)) is (a == b)
