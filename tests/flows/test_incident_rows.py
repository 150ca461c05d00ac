"""Which sealed items belong to an incident: told from what is not sealed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.facts import Incident, Scope
from shipworthy.facts.incident import Reopened
from shipworthy.flows.incident_rows import in_scope
from shipworthy.respond.moments import moment
from shipworthy.store.review import QueueItem

AT = "2027-01-04T09:30:00.000000Z"
MINUTE = int(moment(AT).timestamp() // 60)
ONE = Incident(
    id="INC-1", title="t", severity="SEV2", owner="o", reported_at=AT, began_at=AT,
    stable_at="2027-01-04T10:30:00.000000Z",
    scope=Scope(model="m", version="2", tenant="acme", segment="age=lt_25;office=P1,P2"),
)  # fmt: skip
ITEM = QueueItem(
    id="r", request="r", tenant="acme", version="2", segments=("office=P1", "age=lt_25", "age=lt_25;office=P1"),
    minute=MINUTE, receipt="x", sealed=b"", deadline=AT,
)  # fmt: skip


def test_an_item_of_that_version_tenant_segment_and_time_belongs_to_it() -> None:
    assert in_scope(ITEM, ONE)
    assert in_scope(replace(ITEM, minute=MINUTE + 60), ONE)
    assert in_scope(replace(ITEM, minute=MINUTE + 9999), replace(ONE, stable_at=""))


@pytest.mark.parametrize(
    "other",
    [
        {"version": "1"},
        {"tenant": "birch"},
        {"segments": ("office=P3", "age=lt_25")},
        {"segments": ("office=P1",)},
        {"minute": MINUTE - 1},
        {"minute": MINUTE + 61},
    ],
)
def test_another_one_does_not(other: dict[str, Any]) -> None:
    assert not in_scope(replace(ITEM, **other), ONE)


def test_without_a_first_decision_it_begins_a_day_before_somebody_was_aware_and_never_before_it_was_closed() -> None:
    day = 24 * 60
    untold = replace(ONE, began_at="", stable_at="")
    assert in_scope(replace(ITEM, minute=MINUTE - day), untold)
    assert not in_scope(replace(ITEM, minute=MINUTE - day - 1), untold)
    aware = replace(untold, aware_at="2027-01-09T09:30:00.000000Z")
    assert in_scope(replace(ITEM, minute=MINUTE + 4 * day), aware)
    assert not in_scope(replace(ITEM, minute=MINUTE + 4 * day - 1), aware)
    for before, first in (("2027-01-08T20:00:00.000000Z", 4 * day + 10 * 60 + 31), ("2027-01-05T09:30:00Z", 4 * day)):
        back = replace(aware, reopened=(Reopened(at=AT, order="ORD-2", closed_at=before, version="1"),))
        assert in_scope(replace(ITEM, minute=MINUTE + first), back)
        assert not in_scope(replace(ITEM, minute=MINUTE + first - 1), back)
