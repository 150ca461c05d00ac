"""Which facts page, how bad they are, whom they call, and that the same facts always give the same pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.contract.on_call import OnCall, Rung
from shipworthy.facts import (
    Action,
    Clause,
    Held,
    Judgement,
    Named,
    OnNoData,
    Order,
    Outcome,
    RuntimeState,
    Scope,
    Severity,
    Slo,
    Target,
    canonical_segment,
    digest,
)
from shipworthy.facts.segments import escape
from shipworthy.respond.moments import told
from shipworthy.respond.pages.owed import MOST, Judged, Seen, asked_by, pages, parted
from shipworthy.respond.pages.page import Page, Phase
from shipworthy.runtime.paging.outbox import Kept, Outbox
from tests.respond.pages.made import AT

ON_CALL = OnCall(
    commander="ana",
    escalation=(Rung(after="20m", to="ben"), Rung(after="1h", to="everybody")),
    runbook="https://runbooks.example/triage",
)
BECAUSE = "ood_repeats: 40 of 60 requests out of distribution in supplier=S2"


def held(
    number: int = 1,
    posture: Named = Named.SAFE_MODE,
    because: str = BECAUSE,
    confirmed: str = "",
    by: str = "machine",
    **scope: str,
) -> Held:
    """Return an order that was placed at AT and must be confirmed within a quarter of an hour."""
    where = Scope(model="m", **{"version": "2", "segment": "supplier=S2", **scope})
    due = told(AT + timedelta(minutes=15))
    order = Order(
        id=f"ORD-2027-{number:04}", scope=where, posture=posture, cause=digest(because), confirm_by=due, by=by
    )
    return Held(order=order, at=told(AT), because=because, confirmed_by=confirmed)


def seen(*orders: Held, minutes: float = 1, **given_: Any) -> Seen:
    """Return what a site sees so many minutes after AT."""
    now = AT + timedelta(minutes=minutes)
    told_of: dict[str, Any] = {"judged_until": told(now), "on_call": ON_CALL, **given_}
    return Seen("m", RuntimeState(epoch=7, orders=orders), now, AT, **told_of)


def slo(indicator: str = "decision_ece", **given_: Any) -> Slo:
    told_of: dict[str, Any] = {
        "name": f"{indicator}_7d", "indicator": indicator, "objective": "x", "target": Target(op="<=", value=0.1),
        "window": "7d", "action_on_breach": Action.ROUTE_TO_HUMAN_REVIEW, "clause": Clause.MONITORING,
        "min_samples": 10, **given_,
    }  # fmt: skip
    return Slo(**told_of)


def judged(outcome: Outcome, because: str = "", missing: int = 0, trial: bool = False, **given_: Any) -> Judged:
    one = slo(trial=trial, **given_)
    judgement = Judgement(slo=one.name, segment="*", outcome=outcome, because=because, trial=trial)
    return Judged("2", one, judgement, missing)


def only(found: tuple[Page, ...]) -> Page:
    (page,) = found
    return page


@pytest.mark.parametrize(
    ("posture", "kind", "severity"),
    [
        (Named.KILLED, "killswitch.tripped", Severity.SEV1),
        (Named.SAFE_MODE, "segment.degraded", Severity.SEV2),
        (Named.HUMAN_REVIEW, "review.routed", Severity.SEV3),
    ],
)
def test_an_order_of_a_machine_pages_by_its_posture(posture: Named, kind: str, severity: Severity) -> None:
    page = only(pages(seen(held(posture=posture))))
    assert (page.kind, page.severity, page.phase, page.step) == (kind, severity, Phase.FIRING, 0)
    assert page.key == "m/supplier=S2/ood_repeats"
    assert page.command == "shipworthy confirm ORD-2027-0001 --as YOU"
    assert page.confirm.startswith("Confirm that")
    assert page.runbook == ON_CALL.runbook
    assert (page.orders, page.epoch, page.at) == (("ORD-2027-0001",), 7, told(AT))


def test_the_severity_that_the_contract_declares_counts_and_a_kill_is_always_the_worst() -> None:
    mild = {"ood_repeats": Severity.SEV4}
    assert only(pages(seen(held(), severities=mild))).severity is Severity.SEV4
    assert only(pages(seen(held(posture=Named.KILLED), severities=mild))).severity is Severity.SEV1


def test_an_order_of_a_person_pages_nobody() -> None:
    assert pages(seen(held(by="ana", confirmed="ana", because="it looks wrong"))) == ()


def test_a_confirmed_order_is_acknowledged_and_one_that_is_gone_is_no_page() -> None:
    assert only(pages(seen(held(confirmed="ana")))).phase is Phase.ACKNOWLEDGED
    assert pages(seen()) == ()


@pytest.mark.parametrize(
    ("minutes", "step", "call"),
    [(1, 0, ()), (15, 0, ()), (16, 1, ("ana",)), (21, 1, ("ben",)), (61, 2, ("ben", "everybody"))],
)
def test_an_order_that_nobody_confirms_in_time_calls_the_next_person(
    minutes: float, step: int, call: tuple[str, ...]
) -> None:
    page = only(pages(seen(held(), minutes=minutes)))
    assert (page.step, page.call) == (step, call)
    assert only(pages(seen(held(confirmed="ana"), minutes=minutes))).step == 0


def test_without_a_path_somebody_is_called_all_the_same_and_a_time_that_cannot_be_read_has_passed() -> None:
    assert (only(pages(seen(held(), minutes=16, on_call=None))).step, ON_CALL.runbook) == (1, ON_CALL.runbook)
    broken = held()
    broken = replace(broken, order=replace(broken.order, confirm_by="soon"), at="then")
    assert only(pages(seen(broken))).step == 1


def test_orders_of_one_place_and_reason_are_one_page_as_bad_as_the_worst_until_all_are_confirmed() -> None:
    kill = held(2, Named.KILLED, version="3")
    page = only(pages(seen(held(confirmed="ana"), kill)))
    assert (page.severity, page.kind, page.phase) == (Severity.SEV1, "killswitch.tripped", Phase.FIRING)
    assert page.orders == ("ORD-2027-0002", "ORD-2027-0001")
    assert page.command == "shipworthy confirm ORD-2027-0002 --as YOU"
    assert only(pages(seen(held(confirmed="ana"), replace(kill, confirmed_by="ben")))).phase is Phase.ACKNOWLEDGED


def test_another_segment_tenant_or_reason_is_another_page() -> None:
    several = [
        held(1), held(2, segment="supplier=S1"), held(3, tenant="acme"), held(4, because="error_rate breached: x"),
    ]  # fmt: skip
    found = pages(seen(*several))
    assert [page.key for page in found] == [
        "m/supplier=S1/ood_repeats", "m/supplier=S2/error_rate", "m/supplier=S2/ood_repeats",
        "m/supplier=S2;tenant=acme/ood_repeats",
    ]  # fmt: skip


def test_a_tenant_that_may_not_be_shown_is_nowhere_on_its_page() -> None:
    because = "ood_repeats: 40 of 60 requests of acme out of distribution (acme-other is another word)"
    page = only(pages(seen(held(tenant="acme", because=because), show=lambda _: "#ab12cd34ef56")))
    assert "acme" not in str(page)
    assert page.tenant == "#ab12cd34ef56"
    assert page.key == "m/supplier=S2;tenant=#ab12cd34ef56/ood_repeats"


@pytest.mark.parametrize(
    ("because", "asked"),
    [
        ("decision_ece_7d breached: 0.3 [0.2, 0.4] n=500", "decision_ece_7d"),
        ("ood_repeats: 40 of 60", "ood_repeats"),
        ("never event never_deny_fast: the answer to 0190 was withheld", "never_deny_fast"),
        ("alert DriftSeen: 1a30ba71 fires since 2027", "alert:DriftSeen"),
        ("error_rate no_data: stale", "error_rate"),
        ("", "order"),
        ("something else entirely", "order"),
    ],
)
def test_the_reason_of_an_order_names_what_asked_for_it(because: str, asked: str) -> None:
    assert asked_by(held(because=because)) == asked


@pytest.mark.parametrize(
    ("one", "paged"),
    [
        (judged(Outcome.NO_DATA, "not a finite number", missing=3), True),
        (judged(Outcome.NO_DATA, "5 samples, 300 needed", missing=3), True),
        (judged(Outcome.NO_DATA, "stale: measured until 2027-01-04"), True),
        (judged(Outcome.NO_DATA, "no time of measurement"), True),
        (judged(Outcome.NO_DATA, "5 samples, 300 needed"), False),
        (judged(Outcome.NO_DATA, "no measurement"), False),
        (judged(Outcome.NO_DATA, "not a finite number", missing=3, trial=True), False),
        (judged(Outcome.NO_DATA, "stale", on_no_data=OnNoData.HUMAN_REVIEW), False),
        (judged(Outcome.MET, missing=3), False),
        (judged(Outcome.UNDECIDED, missing=3), False),
        (judged(Outcome.BREACHED), False),
        (judged(Outcome.BREACHED, trial=True), False),
    ],
)
def test_missing_evidence_pages_for_a_gap_or_staleness_and_never_for_few_samples(one: Judged, paged: bool) -> None:
    found = pages(seen(judged=[one]))
    assert [page.kind for page in found] == ["evidence.missing"] * paged


def test_a_gap_is_one_page_an_slo_and_scope_however_long_it_lasts() -> None:
    first = only(pages(seen(judged=[judged(Outcome.NO_DATA, missing=3)])))
    later = only(pages(seen(minutes=60, judged=[judged(Outcome.NO_DATA, missing=63)])))
    assert first.key == later.key == "m/*/decision_ece_7d:evidence"


def test_drift_that_decides_nothing_is_a_notice() -> None:
    page = only(pages(seen(judged=[judged(Outcome.BREACHED, "0.3", trial=True, indicator="drift_excess")])))
    assert (page.severity, page.kind) == (Severity.SEV4, "drift.noticed")


def test_state_that_cannot_be_read_and_a_site_that_judges_no_more_page() -> None:
    assert only(pages(seen(broken="the MAC is wrong"))).kind == "state.broken"
    assert only(pages(seen(minutes=6, judged_until=told(AT)))).key == "m/*/judging"
    assert only(pages(seen(minutes=6, judged_until=""))).key == "m/*/judging"
    assert pages(seen(minutes=4, judged_until="")) == ()


def test_over_the_limit_the_worst_are_kept_and_the_rest_is_counted() -> None:
    many = [held(number, segment=f"supplier=S{number}") for number in range(MOST + 20)]
    found = pages(seen(*many, held(9_999, Named.KILLED, segment="supplier=A-worst")))
    assert len(found) == MOST
    assert any(page.segment == "supplier=A-worst" for page in found)
    assert "22 more pages fire" in next(page.title for page in found if page.kind == "pages.more")


ORDERS = st.lists(
    st.builds(
        held,
        number=st.integers(1, 9),
        posture=st.sampled_from([Named.KILLED, Named.SAFE_MODE, Named.HUMAN_REVIEW]),
        because=st.sampled_from([BECAUSE, "error_rate breached: x", "never event n: y", ""]),
        confirmed=st.sampled_from(["", "ana"]),
        segment=st.sampled_from(["*", "supplier=S1", "not a segment"]),
        tenant=st.sampled_from(["*", "acme"]),
    ),
    max_size=8,
)


@given(ORDERS, st.randoms(use_true_random=False), st.floats(0, 500))
def test_the_same_facts_in_any_order_give_the_same_pages_one_a_key(orders: list[Held], random: Any, at: float) -> None:
    first = pages(seen(*orders, minutes=at))
    random.shuffle(orders)
    again = pages(seen(*orders, minutes=at))
    assert [(one.key, one.severity, one.phase, set(one.orders)) for one in again] == [
        (one.key, one.severity, one.phase, set(one.orders)) for one in first
    ]
    assert pages(seen(*orders, minutes=at)) == again
    assert len({page.key for page in first}) == len(first)


@given(ORDERS)
def test_every_order_of_a_machine_is_on_exactly_one_page(orders: list[Held]) -> None:
    found = [order for page in pages(seen(*orders)) for order in page.orders]
    assert sorted(found) == sorted(one.order.id for one in orders)


TENANTS = st.sampled_from(["acme", "acme+", "-acme", "a;c=m,e*", "50%", "ac me", "été", "#9", "tenant one.", "x=1"])


@given(
    TENANTS, TENANTS, st.booleans(), st.sampled_from(["alert acme+: f fires", "ood_repeats: {0} sent {1}!", "{1}{0}"])
)
def test_no_tenant_is_named_whatever_it_is_called_and_wherever_it_stands(
    one: str, other: str, both: bool, because: str
) -> None:
    segment = canonical_segment({"tenant": {one, other} if both else {one}, "supplier": ["S2"]})
    why = because.format(one, segment)
    order = held(1, because=why, segment=segment, tenant=one if both else "*")
    of = judged(Outcome.NO_DATA, f"stale: {why}")
    of = Judged(of.version, of.slo, replace(of.judgement, segment=segment))
    for page in pages(seen(order, judged=[of], show=lambda _: "HIDDEN")):
        whole = str([page.key, page.title, page.because, page.segment, page.tenant, page.confirm, page.slo])
        for name in (one, other) if both else (one,):
            assert name not in whole.replace("supplier=S2", "")
            assert escape(name) not in whole
        assert "tenant=HIDDEN" in page.key


def test_a_segment_that_cannot_be_read_names_nobody() -> None:
    page = only(pages(seen(held(segment="tenant=acme;;", because="x: in tenant=acme;;"), show=lambda _: "HIDDEN")))
    assert "acme" not in str(page)


def test_over_the_limit_nothing_that_holds_is_resolved_and_nothing_flaps() -> None:
    old = [held(number, segment=f"supplier=Z{number:04}") for number in range(MOST - 50)]
    new = [replace(held(9_000 + number, segment=f"supplier=A{number:04}"), at=told(AT + timedelta(seconds=9)))
           for number in range(100)]  # fmt: skip
    outbox = Outbox(Kept(), {"a": tuple(Severity)})
    told_of: dict[str, int] = {}
    for orders in (old, [*old, *new], [*new, *old], [*old, *new]):
        firing, cut = parted(seen(*orders))
        outbox.take(firing, AT, True, cut)
        for page in outbox.owed("a"):
            told_of[page.key] = told_of.get(page.key, 0) + 1
            assert page.phase is Phase.FIRING
            outbox.taken("a", page)
    assert set(told_of.values()) == {1}
    assert {f"m/supplier=Z{number:04}/ood_repeats" for number in range(MOST - 50)} <= set(told_of)
    assert len(told_of) == MOST  # the oldest, and one for all others


def test_what_worse_pages_leave_no_room_for_goes_on_and_only_what_is_gone_has_ended() -> None:
    mild = [held(number, segment=f"supplier=B{number:04}") for number in range(MOST)]
    kills = [held(9_000 + number, Named.KILLED, segment=f"supplier=K{number:04}") for number in range(100)]
    outbox = Outbox(Kept(), {"a": tuple(Severity)})
    for orders in (mild, [*mild[1:], *kills]):
        firing, cut = parted(seen(*orders))
        outbox.take(firing, AT, True, cut)
    assert len(cut) == MOST - 1 + 100 - (MOST - 1)
    over = [page.key for page in outbox.pages.values() if page.phase is Phase.RESOLVED]
    assert over == ["m/supplier=B0000/ood_repeats"]
    assert sum(page.severity is Severity.SEV1 for page in outbox.owed("a")) >= 100
