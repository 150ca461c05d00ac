"""Who is called when: laws of the escalation path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.on_call import Ladder, OnCall, Rung
from shipworthy.facts import Held, Named, Order, Person, Scope, Severity, digest
from shipworthy.respond.escalation import called, following, people_of, steps, unconfirmed
from shipworthy.respond.moments import told

START = datetime(2027, 1, 4, 9, 30, tzinfo=UTC)
PATH = OnCall(
    commander="ana",
    escalation=(Rung(after="5m", to="sre"), Rung(after="1h", to="dana")),
    severities={"SEV1": Ladder(commander="ben", escalation=(Rung(after="1m", to="sre"),))},
)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def held(name: str, at: str, confirmed_by: str = "") -> Held:
    scope = Scope(model="m")
    order = Order(id=name, scope=scope, posture=Named.KILLED, cause=digest(b""), confirm_by=at, by="machine")
    return Held(order=order, at=at, because="x", confirmed_by=confirmed_by)


def test_the_commander_is_called_at_once_and_each_step_at_its_time() -> None:
    path = steps(PATH, Severity.SEV2, START, after(5))
    assert [(one.at, one.to, one.due) for one in path] == [
        (told(START), "ana", True),
        (told(after(5)), "sre", True),
        (told(after(60)), "dana", False),
    ]
    assert [one.to for one in steps(PATH, Severity.SEV1, START, START)] == ["ben", "sre"]


@given(st.integers(-10, 200), st.sampled_from(Severity))
def test_called_and_following_split_the_path_at_now(minutes: int, severity: Severity) -> None:
    path = steps(PATH, severity, START, after(minutes))
    assert [one.due for one in path] == sorted((one.due for one in path), reverse=True)
    done, left = [one for one in path if one.due], [one for one in path if not one.due]
    assert called(path) == (done[-1] if done else None)
    assert following(path) == (left[0] if left else None)


def test_without_a_path_nobody_is_named() -> None:
    assert steps(None, Severity.SEV1, START, START) == ()
    assert called(()) is None
    assert following(()) is None


def test_orders_that_nobody_confirmed_are_told_oldest_first_with_who_should_be_on_them() -> None:
    orders = [held("ORD-3", told(after(9))), held("ORD-1", told(START)), held("ORD-2", told(START), "olu")]
    waiting = unconfirmed(PATH, Severity.SEV2, orders, after(10))
    assert [(one.order.id, step.to if step else "") for one, step in waiting] == [("ORD-1", "sre"), ("ORD-3", "ana")]


def test_an_order_whose_time_cannot_be_read_is_called_for_all_the_same() -> None:
    assert [step for _, step in unconfirmed(PATH, Severity.SEV2, [held("ORD-1", "soon")], START)] == [None]
    assert [step for _, step in unconfirmed(None, Severity.SEV2, [held("ORD-1", told(START))], START)] == [None]


def test_a_step_means_a_person_by_id_before_those_who_hold_a_role_of_that_name() -> None:
    people = [
        Person(id=name, name=name.title(), roles=roles, key="")
        for name, roles in (("sre", ("ml",)), ("zoe", ("operator", "sre")), ("ben", ("operator",)))
    ]
    assert [one.id for one in people_of("sre", people)] == ["sre"]
    assert [one.id for one in people_of("operator", people)] == ["ben", "zoe"]
    assert people_of("nobody", people) == ()
