"""Tightening is free, loosening takes people: the table of DECISIONS §6, and laws over any history."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import to_builtins

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import (
    NORMAL,
    Entry,
    Held,
    Named,
    Person,
    Posture,
    RuntimeState,
    Scope,
    digest,
    tightens,
)
from shipworthy.ledger.fold import step
from shipworthy.respond.compiled import Compiled
from shipworthy.respond.postures import (
    acknowledged,
    closed,
    confirm,
    covered,
    effective,
    known_until,
    order,
    orders_within,
    overdue,
    restore,
    restoring,
)
from tests.respond.made import BOTH, OPERATOR, REVIEWER, START, VISITOR, at, held, placed, when

EVERYTHING = Scope(model="claims")
TIGHT = (Named.HUMAN_REVIEW, Named.SAFE_MODE, Named.KILLED)
PEOPLE = (OPERATOR, REVIEWER, BOTH, VISITOR)
REQUESTS = [
    (version, tenant, {"supplier": supplier})
    for version in ("1.0", "2.0")
    for tenant in ("acme", "bolt")
    for supplier in ("P02", "P42")
]
FALLBACKS = [
    (fallback, kill) for fallback in ("baseline", "human_review", "refuse") for kill in ("human_review", "nobody")
]


def orders() -> st.SearchStrategy[Held]:
    return st.builds(
        held,
        st.sampled_from(["ORD-1", "ORD-2", "ORD-3", "ORD-4"]),
        st.sampled_from(TIGHT),
        version=st.sampled_from(["1.0", "2.0", "*"]),
        tenant=st.sampled_from(["acme", "*"]),
        segment=st.sampled_from(["*", "supplier=P42", "supplier=P02,P42"]),
        minute=st.integers(0, 5),
        by=st.sampled_from(["machine", "olu"]),
    )


def postures(state: RuntimeState, fallback: str = "baseline", kill: str = "nobody") -> list[Posture]:
    return [effective(state, "claims", *request, fallback, kill) for request in REQUESTS]


@given(st.lists(orders(), max_size=5), orders(), st.sampled_from(FALLBACKS))
def test_an_order_never_loosens_anything(before: list[Held], one: Held, fallbacks: tuple[str, str]) -> None:
    state = placed(*before)
    changed = order(state, one)
    assert all(tightens(a, b) for a, b in zip(postures(state, *fallbacks), postures(changed, *fallbacks), strict=True))


@given(st.lists(orders(), max_size=5), st.randoms(use_true_random=False))
def test_orders_in_any_sequence_and_repeated_give_the_same_state(given_orders: list[Held], random: Random) -> None:
    shuffled = [*given_orders, *given_orders[:2]]
    random.shuffle(shuffled)
    same = {one.order: one for one in given_orders}
    one_way, other_way = placed(*given_orders), placed(*shuffled)
    assert {one.order for one in one_way.orders} == {one.order for one in other_way.orders} == set(same)
    assert one_way.epoch == other_way.epoch == len(same)
    assert postures(one_way) == postures(other_way)


@given(st.lists(orders(), max_size=6), st.sampled_from(FALLBACKS))
def test_the_compiled_form_agrees_with_the_slow_one(given_orders: list[Held], fallbacks: tuple[str, str]) -> None:
    state = placed(*given_orders)
    quick = Compiled(state, "claims", *fallbacks)
    assert [quick.posture(*request) for request in REQUESTS] == postures(state, *fallbacks)
    assert all(quick.closed(version) == closed(state, "claims", version) for version in ("1.0", "2.0", "3.0"))


@given(st.lists(orders(), max_size=6), st.integers(0, 100_000))
def test_time_alone_releases_nothing(given_orders: list[Held], minutes: int) -> None:
    state = placed(*given_orders)
    assert {one.order.id for one in overdue(state, when(minutes))} <= {one.order.id for one in state.orders}
    assert postures(state) == postures(placed(*state.orders))
    assert set(overdue(state, when(10_000))) == set(state.orders)


class AnyHistory(RuleBasedStateMachine):
    """Machines, operators and people act at random; nothing loosens without its proof, and epochs grow by one."""

    @initialize()
    def begin(self) -> None:
        self.state, self.minute, self.released = RuntimeState(), 0, set[str]()
        self.given: list[Held] = []

    def step(self, changed: RuntimeState, may_loosen: bool) -> None:
        pairs = zip(postures(self.state), postures(changed), strict=True)
        assert may_loosen or all(tightens(before, after) for before, after in pairs)
        assert changed.epoch == self.state.epoch + (changed != self.state)
        assert (changed is self.state) == (changed == self.state)
        self.state = changed

    @rule(posture=st.sampled_from(TIGHT), segment=st.sampled_from(["*", "supplier=P42"]), by=st.booleans())
    def somebody_tightens(self, posture: Named, segment: str, by: bool) -> None:
        self.minute += 1
        name = f"ORD-{len(self.given)}"
        one = held(name, posture, segment=segment, minute=self.minute, by="olu" if by else "machine")
        self.given.append(one)
        self.step(order(self.state, one), may_loosen=False)
        assert one in self.state.orders

    @rule(index=st.integers(0, 50))
    def an_old_order_comes_again(self, index: int) -> None:
        if self.given:
            one = self.given[index % len(self.given)]
            self.step(order(self.state, one), may_loosen=False)
            breach = one.order.by == "machine" and one.order.posture is not Named.KILLED
            if breach and one.order.id in self.released:
                assert one not in self.state.orders

    @rule(index=st.integers(0, 50), person=st.sampled_from(PEOPLE))
    def somebody_confirms(self, index: int, person: Person) -> None:
        if self.state.orders:
            name = self.state.orders[index % len(self.state.orders)].order.id
            if "operator" in person.roles:
                self.step(confirm(self.state, name, person.id, person.roles), may_loosen=False)
            else:
                with pytest.raises(PolicySaysNo):
                    confirm(self.state, name, person.id, person.roles)

    @rule(index=st.integers(0, 50), people=st.lists(st.sampled_from(PEOPLE), max_size=3))
    def somebody_asks_for_a_restore(self, index: int, people: list[Person]) -> None:
        if not self.state.orders:
            return
        one = self.state.orders[index % len(self.state.orders)]
        killed = one.order.posture is Named.KILLED
        operators = {person.id for person in people if "operator" in person.roles}
        reviewers = {person.id for person in people if "reviewer" in person.roles}
        enough = len(operators | reviewers) > 1 and operators and reviewers if killed else operators
        arguments = (self.state, [one.order.id], EVERYTHING, at(self.minute), people, when(self.minute))
        if not enough:
            with pytest.raises(PolicySaysNo):
                restore(*arguments)
            return
        self.step(restore(*arguments), may_loosen=True)
        self.released.add(one.order.id)

    @invariant()
    def acknowledgements_stay_few(self) -> None:
        assert len(self.state.acknowledged) <= 2


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(
    ("posture", "people", "loosens"),
    [
        (Named.HUMAN_REVIEW, (), False),
        (Named.HUMAN_REVIEW, (VISITOR,), False),
        (Named.HUMAN_REVIEW, (REVIEWER,), False),
        (Named.HUMAN_REVIEW, (OPERATOR,), True),
        (Named.SAFE_MODE, (), False),
        (Named.SAFE_MODE, (REVIEWER,), False),
        (Named.SAFE_MODE, (OPERATOR,), True),
        (Named.KILLED, (), False),
        (Named.KILLED, (OPERATOR,), False),
        (Named.KILLED, (REVIEWER,), False),
        (Named.KILLED, (BOTH,), False),
        (Named.KILLED, (BOTH, BOTH), False),
        (Named.KILLED, (OPERATOR, VISITOR), False),
        (Named.KILLED, (OPERATOR, REVIEWER), True),
        (Named.KILLED, (OPERATOR, BOTH), True),
        (Named.KILLED, (BOTH, REVIEWER), True),
    ],
)
def test_who_may_loosen_what(posture: Named, people: tuple[Person, ...], loosens: bool) -> None:
    state = placed(held("ORD-1", posture))
    if not loosens:
        with pytest.raises(PolicySaysNo):
            restore(state, ["ORD-1"], EVERYTHING, at(1), people, when(1))
        return
    after = restore(state, ["ORD-1"], EVERYTHING, at(1), people, when(1))
    assert set(postures(after)) == {NORMAL}
    assert after.epoch == state.epoch + 1


@pytest.mark.parametrize(("before", "after"), list(itertools.product((None, *TIGHT), TIGHT)))
def test_a_machine_reaches_every_tighter_posture_alone(before: Named | None, after: Named) -> None:
    start = placed(*([held("ORD-1", before)] if before else []))
    changed = order(start, held("ORD-2", after, minute=1))
    assert tightens(postures(start)[4], postures(changed)[4])
    assert tightens(postures(placed(held("ORD-2", after)))[4], postures(changed)[4])


def test_one_key_under_two_names_is_one_person() -> None:
    twin = Person(id="rae2", name="Rae", roles=("reviewer",), key=OPERATOR.key)
    state = placed(held("ORD-1", Named.KILLED))
    with pytest.raises(PolicySaysNo, match="two different people"):
        restore(state, ["ORD-1"], EVERYTHING, at(1), (OPERATOR, twin), when(1))


def test_a_machine_may_not_loosen_or_confirm_under_any_role() -> None:
    machine = Person(id="machine", name="", roles=("operator", "reviewer"), key="k")
    state = placed(held("ORD-1"))
    with pytest.raises(PolicySaysNo):
        restore(state, ["ORD-1"], EVERYTHING, at(1), (machine,), when(1))
    with pytest.raises(PolicySaysNo):
        confirm(state, "ORD-1", "machine", ("operator",))


def test_one_killed_order_among_others_needs_two_people() -> None:
    state = placed(held("ORD-1"), held("ORD-2", Named.KILLED))
    with pytest.raises(PolicySaysNo):
        restore(state, ["ORD-1", "ORD-2"], EVERYTHING, at(1), (OPERATOR,), when(1))


def test_a_restore_names_its_orders_and_the_rest_goes_on_holding() -> None:
    segment = Scope(model="claims", version="2.0", segment="supplier=P42")
    state = placed(held("ORD-1", segment="supplier=P42"), held("ORD-2", minute=1))
    after = restore(state, ["ORD-1"], segment, at(2), (OPERATOR,), when(2))
    assert [one.order.id for one in after.orders] == ["ORD-2"]
    assert not acknowledged(after, Scope(model="claims", version="2.0"), at(1)), "only the named scope is known"
    assert acknowledged(after, segment, at(2))
    assert not acknowledged(after, segment, at(2.1))
    assert not acknowledged(after, segment, "yesterday")


@given(st.lists(st.tuples(orders(), st.booleans()), max_size=8))
def test_the_state_is_the_fold_of_the_ledger(history: list[tuple[Held, bool]]) -> None:
    state = folded = RuntimeState()

    def write(kind: str, body: dict[str, object]) -> None:
        nonlocal folded
        plain = to_builtins(body)
        folded = step(folded, Entry(seq=folded.epoch, at=at(9), actor="a", kind=kind, body=plain, prev=digest(b"")))

    for one, confirms in history:
        before, state = state, order(state, one)
        if state is not before:
            write("respond.ordered", {"held": one})
        if confirms and one in state.orders:
            before, state = state, confirm(state, one.order.id, "olu", ("operator",))
            if state is not before:
                write("respond.confirmed", {"order": one.order.id, "by": "olu"})
        elif one in state.orders:
            scope, up_to = one.order.scope, at(6)
            same_id = [each for each in state.orders if each.order.id == one.order.id]
            if len(same_id) == 1:
                state = restore(state, [one.order.id], scope, up_to, (OPERATOR, REVIEWER), when(9))
                body = {"orders": [one.order.id], "scope": scope, "up_to": up_to, "approvals": []}
                write("respond.restored", body)
        assert state == folded


def test_an_old_breach_does_not_trip_again_and_a_new_one_does() -> None:
    state = placed(held("ORD-1"))
    after = restore(state, ["ORD-1"], Scope(model="claims", version="2.0"), at(2), (OPERATOR,), when(2))
    assert order(after, held("ORD-1")) is after
    assert order(after, held("ORD-9", segment="supplier=P42", minute=1)) is after
    assert order(after, held("ORD-9", minute=3)) is not after
    assert order(after, held("ORD-9", version="3.0", minute=1)) is not after
    assert order(after, held("ORD-9", minute=1, by="olu")) is not after, "a person's word is not a breach"
    assert order(after, held("ORD-9", Named.KILLED, minute=1)) is not after, "one person cannot have excused a kill"


def test_windows_begin_no_earlier_than_what_people_know() -> None:
    version = Scope(model="claims", version="2.0")
    state = placed(held("ORD-1"), held("ORD-2", segment="supplier=P42"))
    assert known_until(state, version) == ""
    one = restore(state, ["ORD-2"], Scope(model="claims", segment="supplier=P42"), at(3), (OPERATOR,), when(3))
    both = restore(one, ["ORD-1"], version, at(2), (OPERATOR,), when(3))
    assert known_until(one, version) == ""
    assert known_until(both, version) == at(2)
    assert known_until(both, Scope(model="claims", version="2.0", segment="supplier=P42")) == at(3)
    assert known_until(both, Scope(model="claims", version="3.0")) == ""


@pytest.mark.parametrize(
    ("orders", "scope", "up_to", "why"),
    [
        ([], EVERYTHING, at(1), "no order"),
        (["ORD-7"], EVERYTHING, at(1), "no order ORD-7"),
        (["ORD-1"], EVERYTHING, at(3), "future"),
        (["ORD-1"], EVERYTHING, at(-1), "younger"),
        (["ORD-1"], EVERYTHING, "soon", "soon"),
        (["ORD-1"], EVERYTHING, "2026-03-02T10:01:00+01:00", "canonical"),
        (["ORD-1"], Scope(model="claims", segment="supplier=P42"), at(1), "beyond"),
        (["ORD-1"], Scope(model="other"), at(1), "beyond"),
    ],
)
def test_a_restore_that_makes_no_sense_is_refused(orders: list[str], scope: Scope, up_to: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        restore(placed(held("ORD-1")), orders, scope, up_to, (OPERATOR,), when(2))


def test_approvals_are_over_exactly_this_change() -> None:
    one = restoring(["ORD-1", "ORD-2"], EVERYTHING, at(1))
    assert one == restoring(["ORD-2", "ORD-1", "ORD-1"], EVERYTHING, at(1))
    others = {restoring(["ORD-1"], EVERYTHING, at(1)), restoring(["ORD-1", "ORD-2"], EVERYTHING, at(2))}
    assert one not in others | {restoring(["ORD-1", "ORD-2"], Scope(model="claims", tenant="acme"), at(1))}


def test_confirming_keeps_the_posture_and_the_first_to_confirm() -> None:
    state = placed(held("ORD-1"))
    confirmed = confirm(state, "ORD-1", "olu", ("operator",))
    assert postures(confirmed) == postures(state)
    assert confirmed.orders[0].confirmed_by == "olu"
    assert confirm(confirmed, "ORD-1", "bo", ("operator",)) is confirmed
    assert order(confirmed, held("ORD-1")) is confirmed, "a replay does not unconfirm"
    assert overdue(state, when(16)) == state.orders
    assert overdue(state, when(15)) == ()
    assert overdue(confirmed, when(16)) == ()


def test_an_order_that_tightens_nothing_or_cannot_be_read_is_refused() -> None:
    for bad in (held("ORD-1", Named.NORMAL), held("ORD-1", segment="supplier")):
        with pytest.raises(UsageError):
            order(RuntimeState(), bad)


def test_two_orders_of_one_id_both_hold() -> None:
    state = placed(held("ORD-1", segment="supplier=P02"), held("ORD-1", Named.KILLED, segment="supplier=P42"))
    assert len(state.orders) == 2
    with pytest.raises(PolicySaysNo):
        restore(state, ["ORD-1"], EVERYTHING, at(1), (OPERATOR,), when(1))


def test_what_an_order_covers() -> None:
    state = placed(held("ORD-1", Named.KILLED, tenant="acme"))
    acme = Scope(model="claims", version="2.0", tenant="acme", segment="supplier=P42")
    assert covered(state, acme, Named.KILLED)
    assert covered(state, acme, Named.HUMAN_REVIEW)
    assert not covered(state, acme, Named.SAFE_MODE), "with fallback `refuse`, safe mode may be the tighter one"
    assert not covered(state, Scope(model="claims", version="2.0"), Named.KILLED)
    assert orders_within(state, Scope(model="claims", tenant="acme")) == state.orders
    assert orders_within(state, acme) == ()


def test_moments_carry_their_zone() -> None:
    assert at(0) == "2026-03-02T09:00:00.000000Z"
    assert START.tzinfo is not None
