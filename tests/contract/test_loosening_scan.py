"""Letting one more class through the artefact scan is a loosening; letting one less through is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.loosening_scan import scan_rows

names = st.lists(st.sampled_from(["a.A", "b.B", "c.C", "d.D"]))


def test_a_new_class_is_a_row_that_names_it() -> None:
    assert list(scan_rows((), ("b.B", "a.A"))) == ["scan: class a.A let through", "scan: class b.B let through"]
    assert list(scan_rows(("a.A",), ("b.B",))) == ["scan: class b.B let through"]
    assert list(scan_rows(("a.A", "b.B"), ("b.B",))) == []
    assert list(scan_rows(("a.A",), ("a.A",))) == []


@given(names, names)
def test_there_is_a_row_exactly_for_what_was_not_let_through_before(old: list[str], new: list[str]) -> None:
    rows = list(scan_rows(old, new))
    assert len(rows) == len(set(new) - set(old))
    assert all(any(f" {name} " in row for row in rows) for name in set(new) - set(old))
