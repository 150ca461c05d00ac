"""The transitions of the runtime state: who may tighten, who may loosen, and with what proof (DECISIONS §6).

In: a `RuntimeState` and one change. Out: the changed copy, its epoch grown by one, or the very same object when
nothing changed. Machines and operators tighten freely; only people loosen; leaving `killed` takes two of them.
Time alone never loosens anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import astuple, replace

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import (
    Acknowledged,
    Digest,
    Held,
    Named,
    Person,
    Posture,
    RuntimeState,
    Scope,
    digest,
    hold,
    join,
    of_drill,
    parse_segment,
    resolve,
)
from shipworthy.respond.moments import before, moment, told
from shipworthy.respond.scopes import covers, inside, names, terms_of

OPERATOR, REVIEWER, MACHINE = "operator", "reviewer", "machine"
CLOCKS_DIFFER = timedelta(minutes=5)


def order(state: RuntimeState, held: Held) -> RuntimeState:
    """Return the state with one more order.

    The same order again changes nothing, nor does a machine's order over a breach that people have acknowledged. Two
    different orders under one id both hold. A person's order always holds, since acknowledgements speak of breaches
    only, and so does `killed`: an acknowledgement may come from one person, and leaving `killed` takes two.
    Raises UsageError for an order that tightens nothing or cannot be read.
    """
    _check(held)
    if any(one.order == held.order for one in state.orders):
        return state
    excusable = held.order.by == MACHINE and held.order.posture is not Named.KILLED
    if excusable and acknowledged(state, held.order.scope, held.at):
        return state
    return replace(hold(state, held), epoch=state.epoch + 1)


def confirm(state: RuntimeState, order_id: str, person: str, roles: Collection[str]) -> RuntimeState:
    """Return the state with the order confirmed: a person has seen it. The posture stays as it is.

    The first to confirm stays on record. Raises UsageError for an unknown order, PolicySaysNo without the role.
    """
    if person in ("", MACHINE) or OPERATOR not in roles:
        raise PolicySaysNo(f"{person or 'nobody'} may not confirm {order_id}", fix=f"a person with role {OPERATOR}")
    found = find(state, order_id)
    if all(one.confirmed_by for one in found):
        return state
    orders = tuple(
        replace(one, confirmed_by=person) if one in found and not one.confirmed_by else one for one in state.orders
    )
    return replace(state, orders=orders, epoch=state.epoch + 1)


def restore(
    state: RuntimeState,
    orders: Sequence[str],
    scope: Scope,
    up_to: str,
    approvals_verified: Sequence[Person],
    now: datetime,
) -> RuntimeState:
    """Return the state without the named orders, breaches in `scope` acknowledged up to `up_to`.

    `approvals_verified` are the people whose approval over `restoring(orders, scope, up_to)` has been verified by the
    caller. Every order must lie in `scope`; what is not named goes on holding. `scope` is what people
    declare known: name no wider one than they mean. Raises UsageError for a request that
    makes no sense, PolicySaysNo when the people do not suffice.
    """
    if not orders:
        raise UsageError("no order named", fix="name the orders to release")
    released = [held for order_id in dict.fromkeys(orders) for held in find(state, order_id)]
    _check_restore(released, scope, up_to, now)
    for refusal in refusals(released, approvals_verified):
        raise PolicySaysNo(refusal, where=", ".join(orders))
    return replace(
        state,
        orders=tuple(held for held in state.orders if held not in released),
        acknowledged=_acknowledge(state.acknowledged, scope, up_to),
        epoch=state.epoch + 1,
    )


def end_drill(state: RuntimeState, orders: Sequence[str]) -> RuntimeState:
    """Return the state without these orders of a drill: the only ones that end without people.

    Each must have been placed by a drill over exactly the synthetic tenant. Nothing is acknowledged: no breach there
    was anybody's. Raises PolicySaysNo for any other order, UsageError for one that does not hold.
    """
    ended = [held for order_id in dict.fromkeys(orders) for held in find(state, order_id)]
    for held in ended:
        if not of_drill(held):
            raise PolicySaysNo(f"{held.order.id} is no order of a drill", fix="people release it: `shipworthy restore`")
    if not ended:
        return state
    return replace(state, orders=tuple(held for held in state.orders if held not in ended), epoch=state.epoch + 1)


def overdue_drills(state: RuntimeState, now: datetime) -> tuple[Held, ...]:
    """Return orders of drills that should be over: whoever placed them has died. Only these may expire."""
    return tuple(held for held in state.orders if of_drill(held) and _past(held.order.confirm_by, now))


def restoring(orders: Sequence[str], scope: Scope, up_to: str) -> Digest:
    """Return the digest that approvals of a restore are signed over: exactly this change and no other."""
    return digest({"restore": sorted(set(orders)), "scope": scope, "up_to": up_to})


def refusals(released: Iterable[Held], people: Sequence[Person]) -> tuple[str, ...]:
    """Return why these people may not release these orders; empty = they may."""
    seen = [person for person in people if person.id not in ("", MACHINE)]
    if any(held.order.posture is Named.KILLED for held in released):
        if not _two_people(seen):
            return (f"leaving killed takes two different people, one {OPERATOR} and one {REVIEWER}",)
        return ()
    return () if any(OPERATOR in person.roles for person in seen) else (f"loosening takes a person, role {OPERATOR}",)


def effective(
    state: RuntimeState,
    model: str,
    version: str,
    tenant: str,
    keys: Mapping[str, str],
    fallback: str,
    kill_fallback: str | None,
    unseen: Collection[str] = (),
) -> Posture:
    """Return the join over all orders whose scope holds for a request. `fallback`, `kill_fallback`: the manifest's."""
    return join(
        resolve(held.order.posture, fallback, kill_fallback)
        for held in state.orders
        if names(held.order.scope, model, version, tenant)
        and inside(terms_of(held.order.scope.segment), tenant, keys, unseen)
    )


def closed(state: RuntimeState, model: str, version: str) -> bool:
    """True when the version is killed for every tenant and segment: as a candidate, its share goes to the baseline."""
    everything = Scope(model=model, version=version)
    return any(held.order.posture is Named.KILLED and covers(held.order.scope, everything) for held in state.orders)


def acknowledged(state: RuntimeState, scope: Scope, at: str, now: datetime | None = None) -> bool:
    """True when a breach in `scope` that ended at `at` is known to people. A time that cannot be read never is.

    With `now`, what was acknowledged by a clock that ran ahead, up to a moment still to come, does not count.
    """
    return any(before(one.up_to, at) is False and covers(one.scope, scope) for one in _come(state, now))


def known_until(state: RuntimeState, scope: Scope, now: datetime | None = None) -> str:
    """Return the latest moment up to which breaches of the whole scope are known, \"\" if there is none.

    Windows of measurement begin no earlier: else what people have acknowledged would breach again until it has aged.
    `now` as in `acknowledged`.
    """
    return max((one.up_to for one in _come(state, now) if covers(one.scope, scope)), default="")


def _come(state: RuntimeState, now: datetime | None) -> tuple[Acknowledged, ...]:
    """Return the acknowledgements of moments that have come, give or take what clocks are set back by."""
    if now is None or not state.acknowledged:
        return state.acknowledged
    limit = told(now + CLOCKS_DIFFER)
    return tuple(one for one in state.acknowledged if before(limit, one.up_to) is not True)


def covered(state: RuntimeState, scope: Scope, posture: Named) -> bool:
    """True when an order already holds over the whole scope that is at least as tight in any manifest."""
    enough = {posture} | ({Named.KILLED} if posture is Named.HUMAN_REVIEW else set())
    return any(held.order.posture in enough and covers(held.order.scope, scope) for held in state.orders)


def overdue(state: RuntimeState, now: datetime) -> tuple[Held, ...]:
    """Return the orders that nobody confirmed in time: call the next person. An unreadable time is overdue."""
    return tuple(held for held in state.orders if not held.confirmed_by and _past(held.order.confirm_by, now))


def orders_within(state: RuntimeState, scope: Scope) -> tuple[Held, ...]:
    """Return the orders whose scope lies in `scope`: what a restore of that scope would release."""
    return tuple(held for held in state.orders if covers(scope, held.order.scope))


def find(state: RuntimeState, order_id: str) -> tuple[Held, ...]:
    """Return the orders of that id. Raises UsageError when there is none."""
    found = tuple(held for held in state.orders if held.order.id == order_id)
    if not found:
        holding = ", ".join(held.order.id for held in state.orders) or "none"
        raise UsageError(f"no order {order_id} holds", fix=f"orders that hold: {holding}")
    return found


def _check(held: Held) -> None:
    if held.order.posture is Named.NORMAL:
        raise UsageError("an order tightens; `normal` is reached by a restore", where=held.order.id)
    try:
        parse_segment(held.order.scope.segment)
        moment(held.at)
    except ValueError as problem:
        raise UsageError(str(problem), where=held.order.id) from problem


def _check_restore(released: Iterable[Held], scope: Scope, up_to: str, now: datetime) -> None:
    try:
        limit, written = moment(up_to), told(moment(up_to))
    except ValueError as problem:
        raise UsageError(str(problem), where="up_to") from problem
    if written != up_to:  # kept as text and compared as text
        raise UsageError(f"{up_to!r} is not in canonical form", where="up_to", fix=f"write {written}")
    if limit > now:
        raise UsageError("breaches of the future cannot be acknowledged", where="up_to", fix="use the present time")
    for held in released:
        if not covers(scope, held.order.scope):
            raise UsageError(f"{held.order.id} reaches beyond the scope", fix="name the wider scope, or other orders")
        if before(up_to, held.at) is not False:
            raise UsageError(f"{held.order.id} is younger than up_to", fix="approve with a later up_to")


def _two_people(people: Sequence[Person]) -> bool:
    """One operator and one reviewer who are two: neither an id nor a key may serve twice."""
    return any(
        OPERATOR in one.roles and REVIEWER in other.roles and one.id != other.id and one.key != other.key
        for one in people
        for other in people
    )


def _past(text: str, now: datetime) -> bool:
    try:
        return moment(text) < now
    except ValueError:
        return True


def _acknowledge(known: Sequence[Acknowledged], scope: Scope, up_to: str) -> tuple[Acknowledged, ...]:
    """One acknowledgement a scope, the latest; sorted, so that the state does not tell their order."""
    latest = max([up_to, *(one.up_to for one in known if one.scope == scope)])
    others = [one for one in known if one.scope != scope]
    return tuple(sorted([*others, Acknowledged(scope=scope, up_to=latest)], key=lambda one: astuple(one.scope)))
