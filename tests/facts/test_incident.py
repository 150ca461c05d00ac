"""Records that were stored before they had all their fields are read as what they meant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shipworthy.facts import canonical, read_incident

SCOPE = {"model": "claims", "version": "2", "tenant": "*", "segment": "supplier=__unseen__"}
OLD: dict[str, Any] = {
    "id": "INC-2026-0001", "title": "ood", "severity": "SEV2", "owner": "chidi", "slo": "ood_repeats", "scope": SCOPE,
    "order": "ORD-2026-0001", "opened_at": "2026-11-16T10:00:00.000000Z", "status": "open", "cases": [],
    "closed_at": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "cases", "now"),
    [("open", [], "active"), ("promoted", ["incident.x"], "active"), ("closed", ["incident.x"], "closed")],
)
def test_an_old_body_is_read_with_its_status_cases_and_order(status: str, cases: list[str], now: str) -> None:
    one = read_incident({**OLD, "status": status, "cases": cases})
    assert (one.status, [case.id for case in one.cases], one.case_ids) == (now, cases, tuple(cases))
    assert (one.orders, one.reported_at, one.degraded_at) == (("ORD-2026-0001",), OLD["opened_at"], OLD["opened_at"])
    assert (one.aware_at, one.revision, one.harm) == (OLD["opened_at"], 1, None)
    assert all(case.terms == "" for case in one.cases)  # what it was promoted as, the ledger must say


def test_a_record_of_now_is_read_back_whole() -> None:
    one = read_incident(OLD)
    assert read_incident(msgspec.json.decode(canonical(one))) == one


@pytest.mark.parametrize("broken", [{}, {**OLD, "scope": "all"}, {**OLD, "person": "ana"}, {**OLD, "title": None}])
def test_what_is_no_record_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_incident(broken)


def test_only_cases_that_show_the_failure_are_named_as_its_cases() -> None:
    one = read_incident({**OLD, "cases": ["incident.x"]})
    price = msgspec.structs.replace(one.cases[0], id="price", shows=False)
    assert msgspec.structs.replace(one, cases=(*one.cases, price)).case_ids == ("incident.x",)
