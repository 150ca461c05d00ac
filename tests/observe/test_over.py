"""Which windows a scope is the sum of."""

from __future__ import annotations

import pytest

from shipworthy.facts import Scope
from shipworthy.observe.over import Over, in_full_windows, places


def scope(segment: str, tenant: str = "*") -> Scope:
    return Scope(model="m", version="1", tenant=tenant, segment=segment)


@pytest.mark.parametrize(
    ("segment", "found"),
    [
        ("*", [("*", "*")]),
        ("supplier=P02", [("*", "supplier=P02")]),
        ("tenant=acme", [("acme", "*")]),
        ("tenant=acme,birch", [("acme", "*"), ("birch", "*")]),
        ("supplier=P02;tenant=acme", [("acme", "supplier=P02")]),
        ("a=1,2;b=3", [("*", "a=1;b=3"), ("*", "a=2;b=3")]),
    ],
)
def test_a_request_of_the_scope_lies_in_exactly_one_place(segment: str, found: list[tuple[str, str]]) -> None:
    assert list(places(scope(segment))) == found


def test_a_tenant_of_the_scope_stays() -> None:
    assert places(scope("supplier=P02", "acme")) == (("acme", "supplier=P02"),)


def test_full_windows_show_all_traffic_and_tenants() -> None:
    shown = {
        text: in_full_windows(scope(text)) for text in ("*", "tenant=acme", "supplier=P02", "supplier=P02;tenant=a")
    }
    assert shown == {"*": True, "tenant=acme": True, "supplier=P02": False, "supplier=P02;tenant=a": False}


def test_a_gap_leaves_no_number_and_says_so() -> None:
    told = Over(scope("*"), 10, 20, silent=(12, 13)).number("latency_ms", 5, (1.0, 0.5, 2.0), "ranks")
    assert (told.value, told.lo, told.hi, told.n) == (None, None, None, 5)
    assert "silent in 2 minutes" in told.method
