"""Ways to be two people without being two, and to acknowledge what has not happened: none of them works."""

from __future__ import annotations

import msgspec
import pytest

from shipworthy.errors import CannotDecide, ShipworthyError
from shipworthy.facts import Approval, Held, Named, Scope, digest
from shipworthy.flows import posture
from shipworthy.flows.posture import approver
from shipworthy.flows.site_state import open_site
from shipworthy.respond import playbook, postures
from tests.flows.tiny import Tiny

DAY = 24 * 3600.0


def kill(tiny: Tiny, because: str = "wrong letters", scope: Scope | None = None) -> Held:
    held = posture.tighten(tiny.workspace, scope or tiny.scope(), Named.KILLED, because, "ana")
    tiny.clock.advance(60)
    return held


def restore(tiny: Tiny, person: str, role: str, scope: Scope | None = None) -> posture.Restoring:
    return posture.restore(tiny.workspace, scope or tiny.scope(), person, role)


def test_one_key_in_two_files_with_other_comments_is_one_key(shipped: Tiny) -> None:
    contract = shipped.workspace.contract()
    ana = contract.person("ana")
    assert ana is not None
    kind, key, _ = ana.key.split(maxsplit=2)
    zoe = msgspec.structs.replace(ana, id="zoe", roles=("reviewer",), key=f"{kind} {key} zoe on her own machine\n")
    both = msgspec.structs.replace(contract, people=(*contract.people, zoe))
    people = [
        approver(both, Approval(person=name, role=role, what=digest(b"x"), proof=""))
        for name, role in (("ana", "operator"), ("zoe", "reviewer"))
    ]
    assert people[0].key == people[1].key
    killed = msgspec.structs.replace(kill(shipped), confirmed_by="")
    assert postures.refusals([killed], people)
    with pytest.raises(CannotDecide, match="not one of the people"):
        approver(contract, Approval(person="zoe", role="reviewer", what=digest(b"x"), proof=""))


@pytest.mark.parametrize("jump", [30 * DAY, 365 * DAY])
def test_a_first_approval_by_a_clock_that_ran_ahead_locks_nobody_out_and_releases_nothing(
    shipped: Tiny, jump: float
) -> None:
    kill(shipped)
    shipped.clock.advance(jump)
    assert not restore(shipped, "ben", "reviewer").done
    shipped.clock.advance(-jump)
    assert not restore(shipped, "ana", "operator").done  # what ben signed names a moment still to come
    assert shipped.state().orders
    assert restore(shipped, "ben", "reviewer").done
    assert shipped.state().acknowledged[0].up_to <= shipped.workspace.now()


def test_a_clock_set_back_between_two_approvals_releases_nothing_early(shipped: Tiny) -> None:
    kill(shipped)
    assert not restore(shipped, "ben", "reviewer").done
    shipped.clock.advance(-2 * DAY)
    with pytest.raises(ShipworthyError):
        restore(shipped, "ana", "operator")  # the order is younger than this clock
    assert shipped.state().orders
    shipped.clock.advance(2 * DAY)
    assert restore(shipped, "ana", "operator").done


def test_a_restore_by_a_clock_that_ran_ahead_does_not_excuse_what_comes_after(shipped: Tiny) -> None:
    kill(shipped)
    shipped.clock.advance(365 * DAY)
    restore(shipped, "ben", "reviewer")
    assert restore(shipped, "ana", "operator").done
    shipped.clock.advance(-365 * DAY)
    state, now = shipped.state(), shipped.clock()
    assert postures.acknowledged(state, shipped.scope(version="1"), shipped.workspace.now())
    assert not postures.acknowledged(state, shipped.scope(version="1"), shipped.workspace.now(), now)
    assert postures.known_until(state, shipped.scope(version="1"), now) == ""

    class Alarm:
        version, tenant, segment, hits, n, at = "1", "*", "supplier=S2", 5, 5, shipped.workspace.now()

    assert playbook.on_alarm(Alarm(), None, "tiny-triage", state, "ORD-1", now) is not None


def test_an_order_that_comes_between_two_approvals_is_not_released(shipped: Tiny) -> None:
    first = kill(shipped)
    assert not restore(shipped, "ben", "reviewer").done
    second = kill(shipped, "and another thing")
    assert not restore(shipped, "ana", "operator").done
    assert {one.order.id for one in shipped.state().orders} == {first.order.id, second.order.id}


def test_another_order_under_an_approved_id_does_not_come_to_hold(shipped: Tiny) -> None:
    """The id is what people sign: two orders never share one."""
    first = kill(shipped)
    other = msgspec.structs.replace(
        first, order=msgspec.structs.replace(first.order, scope=shipped.scope(tenant="acme"))
    )
    with open_site(shipped.workspace) as authority, pytest.raises(CannotDecide, match="another order has this id"):
        authority.tighten(other)
    assert shipped.state().orders == (first,)


def test_approvals_of_an_earlier_restore_of_the_same_scope_are_used_up(shipped: Tiny) -> None:
    for because in ("first", "second"):
        kill(shipped, because)
        assert not restore(shipped, "ben", "reviewer").done
        assert restore(shipped, "ana", "operator").done
    assert shipped.kinds().count("respond.restored") == 2


def test_the_same_approval_twice_counts_once_and_a_restore_happens_once(shipped: Tiny) -> None:
    kill(shipped)
    for _ in range(3):
        told = restore(shipped, "ben", "reviewer")
        assert (told.done, told.approved_by) == (False, ("ben",))
    assert restore(shipped, "ana", "operator").done
    with pytest.raises(ShipworthyError, match="no order holds"):
        restore(shipped, "ana", "operator")
    assert shipped.kinds().count("respond.restored") == 1


def test_a_narrower_scope_releases_nothing_of_a_wider_order(shipped: Tiny) -> None:
    kill(shipped)
    with pytest.raises(ShipworthyError, match="no order holds inside"):
        restore(shipped, "ben", "reviewer", shipped.scope(tenant="acme"))
