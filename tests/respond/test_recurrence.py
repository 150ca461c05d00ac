"""Which incident an order belongs to."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.errors import UsageError
from shipworthy.facts import Held, Incident, Named, Severity
from shipworthy.facts.incident import Harm, RegressionCase
from shipworthy.respond import incidents
from shipworthy.respond.playbook import Proposal
from shipworthy.respond.recurrence import incident_for, orphans
from tests.respond.made import at, held, when

SEGMENT = "supplier=P1"


def asked(name: str, slo: str = "auroc", severity: Severity = Severity.SEV3, **scope: Any) -> Proposal:
    return Proposal(held(name, **{"segment": SEGMENT, **scope}), slo, severity)


def taken(proposal: Proposal, *known: Incident) -> tuple[Incident, str]:
    return incident_for(proposal, known, lambda: "INC-9", when(5), "olu")


FIRST = taken(asked("ORD-1"))[0]
CLOSED = replace(
    FIRST, status="closed", closed_at=at(60), aware_at=at(1), commander="olu", harm=Harm(type="none", severity="none"),
    cases=(RegressionCase(id="c", terms="t", fails_on="2.0@a", passes_on="3.0@b"),), note_update="n",
)  # fmt: skip


def test_the_first_order_opens_an_incident_with_what_the_order_says() -> None:
    one, kind = taken(asked("ORD-1", "ood_repeats", tenant="acme"))
    assert kind == incidents.OPENED
    assert (one.id, one.owner, one.detected_by, one.orders) == ("INC-9", "olu", "ood", ("ORD-1",))
    assert (one.reported_at, one.aware_at, one.degraded_at, one.tenants) == (at(5), at(5), at(0), ("acme",))


def test_an_order_inside_an_open_incident_joins_it_and_the_worse_severity_stays() -> None:
    one, kind = taken(asked("ORD-2", severity=Severity.SEV1, tenant="acme", minute=9), FIRST)
    assert kind == incidents.EXTENDED
    assert (one.id, one.severity, one.orders, one.tenants) == ("INC-9", "SEV1", ("ORD-1", "ORD-2"), ("acme",))
    assert (one.degraded_at, one.revision) == (at(0), 2)
    milder, _ = taken(asked("ORD-3", severity=Severity.SEV4), one)
    assert milder.severity == "SEV1"


def test_a_stable_incident_with_a_new_order_is_active_again() -> None:
    one, _ = taken(asked("ORD-2"), incidents.stabilise(FIRST, when(3)))
    assert (one.status, one.stable_at) == ("active", "")


@pytest.mark.parametrize(
    "proposal", [asked("ORD-2", "other"), asked("ORD-2", segment="*"), asked("ORD-2", version="3.0")]
)
def test_another_slo_a_wider_scope_or_another_version_is_another_incident(proposal: Proposal) -> None:
    assert taken(proposal, replace(FIRST, id="INC-1"))[1] == incidents.OPENED


def test_the_same_order_again_is_nothing_new_even_after_closing() -> None:
    assert taken(asked("ORD-1"), FIRST) == (FIRST, "")
    assert taken(asked("ORD-1"), CLOSED) == (CLOSED, "")


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_what_comes_back_on_any_version_reopens_and_keeps_what_was_proven(version: str) -> None:
    one, kind = taken(asked("ORD-2", version=version, severity=Severity.SEV2, minute=90), CLOSED)
    assert kind == incidents.REOPENED
    assert (one.id, one.status, one.closed_at, one.scope.version, one.severity) == (
        "INC-9",
        "active",
        "",
        version,
        "SEV2",
    )
    assert (one.aware_at, one.degraded_at, one.harm, one.note_update) == (at(5), at(90), None, "")
    assert one.cases == CLOSED.cases
    (back,) = one.reopened
    assert (back.at, back.order, back.closed_at, back.version) == (at(5), "ORD-2", at(60), "2.0")


def test_an_open_incident_goes_before_a_closed_one_and_the_last_closed_one_comes_back() -> None:
    older = replace(CLOSED, id="INC-1", closed_at=at(10))
    assert taken(asked("ORD-2"), older, CLOSED)[0].id == "INC-9"
    open_ = replace(FIRST, id="INC-2", orders=("ORD-7",))
    assert taken(asked("ORD-2"), CLOSED, open_)[0].id == "INC-2"
    assert taken(asked("ORD-2", segment="*"), CLOSED)[1] == incidents.OPENED


def test_orders_of_the_machine_without_an_incident_are_found_and_those_of_people_are_not() -> None:
    lost = replace(held("ORD-8", Named.KILLED), because="never event never_fast: x")
    orders: list[Held] = [held("ORD-1"), lost, held("ORD-9", by="olu")]
    (found,) = orphans(orders, [FIRST])
    assert (found.held, found.slo, found.severity) == (lost, "never_fast", Severity.SEV1)


def test_the_way_it_was_noticed_follows_from_the_order() -> None:
    never = replace(held("ORD-1"), because="never event x: y")
    assert incidents.detection("x", never) == "never_event"
    assert incidents.detection("auroc", held("ORD-1")) == "slo"
    assert incidents.detection("auroc", held("ORD-1", by="olu")) == "person"


def test_what_follows_from_events_is_not_set_by_hand() -> None:
    with pytest.raises(UsageError, match="not set by hand: closed_at, status"):
        incidents.update(FIRST, status="closed", closed_at=at(1))


def test_what_changes_nothing_is_no_new_revision() -> None:
    assert incidents.extend(FIRST, held("ORD-1", segment=SEGMENT), Severity.SEV1) is FIRST
    led = incidents.command(FIRST, "olu")
    assert incidents.command(led, "olu") is led
    assert led.revision == FIRST.revision + 1
    stable = incidents.stabilise(led, when(1))
    assert incidents.stabilise(stable, when(2)) is stable
