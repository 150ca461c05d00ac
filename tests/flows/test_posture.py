"""Tightening takes a name; leaving `killed` takes an operator and a reviewer who are two, over exactly this change."""

from __future__ import annotations

import msgspec
import pytest

from shipworthy.artifact.approval import approve
from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Approval, Held, Named, Scope
from shipworthy.flows import posture
from shipworthy.flows.posture import APPROVED
from shipworthy.flows.site_state import open_site
from shipworthy.respond import postures
from tests.flows.tiny import Tiny


def kill(tiny: Tiny, scope: Scope | None = None, person: str = "ana") -> Held:
    """Kill a scope by hand, then let a minute pass."""
    held = posture.tighten(tiny.workspace, scope or tiny.scope(), Named.KILLED, "wrong letters", person)
    tiny.clock.advance(60)
    return held


def restore(tiny: Tiny, person: str, role: str, scope: Scope | None = None) -> posture.Restoring:
    """Approve a restore."""
    return posture.restore(tiny.workspace, scope or tiny.scope(), person, role)


def test_a_kill_holds_at_once_and_is_confirmed_by_who_gave_it(shipped: Tiny) -> None:
    before = shipped.state()
    held = kill(shipped, person="chidi")
    after = shipped.state()
    assert [one.order.id for one in after.orders] == [held.order.id]
    assert after.epoch > before.epoch
    assert held.confirmed_by == "chidi"
    assert shipped.kinds()[-1] == "respond.ordered"
    assert shipped.workspace.state_files().unreconciled() == ()


def test_a_stranger_kills_nothing(shipped: Tiny) -> None:
    with pytest.raises(UsageError, match="not one of the people"):
        kill(shipped, person="mallory")
    assert shipped.state().orders == ()


def test_an_order_for_a_segment_that_cannot_be_read_is_refused(shipped: Tiny) -> None:
    with pytest.raises((UsageError, ValueError)):
        kill(shipped, shipped.scope(segment="=;="))
    assert shipped.state().orders == ()


@pytest.mark.parametrize(
    ("first", "second"), [(("ana", "operator"), ("ben", "reviewer")), (("ben", "reviewer"), ("dana", "operator"))]
)
def test_leaving_killed_takes_two_people_in_either_order(
    shipped: Tiny, first: tuple[str, str], second: tuple[str, str]
) -> None:
    kill(shipped)
    waits = restore(shipped, *first)
    assert not waits.done
    assert "two different people" in waits.waits
    assert waits.approved_by == (first[0],)
    assert shipped.state().orders
    shipped.clock.advance(600)  # the second signs the same change, though later
    done = restore(shipped, *second)
    assert done.done
    assert done.what == waits.what
    assert set(done.approved_by) == {first[0], second[0]}
    state = shipped.state()
    assert state.orders == ()
    assert state.acknowledged[0].scope == shipped.scope()
    assert shipped.kinds()[-1] == "respond.restored"


def test_one_person_with_both_roles_is_one_person(shipped: Tiny) -> None:
    kill(shipped)
    assert not restore(shipped, "dana", "operator").done
    assert not restore(shipped, "dana", "reviewer").done
    assert not restore(shipped, "dana", "reviewer").done
    assert shipped.state().orders
    assert "respond.restored" not in shipped.kinds()


def test_two_operators_are_not_an_operator_and_a_reviewer(shipped: Tiny) -> None:
    kill(shipped)
    assert not restore(shipped, "ana", "operator").done
    assert not restore(shipped, "dana", "operator").done
    assert restore(shipped, "dana", "reviewer").done  # now dana reviews what ana operates


@pytest.mark.parametrize(("person", "role"), [("ben", "operator"), ("ana", "reviewer"), ("chidi", "operator")])
def test_nobody_approves_in_a_role_they_do_not_have(shipped: Tiny, person: str, role: str) -> None:
    kill(shipped)
    with pytest.raises(PolicySaysNo, match="does not have the role"):
        restore(shipped, person, role)
    assert APPROVED not in shipped.kinds()


def test_an_approval_of_another_scope_does_not_count(shipped: Tiny) -> None:
    kill(shipped, shipped.scope(tenant="acme"))
    assert not restore(shipped, "ben", "reviewer", shipped.scope(tenant="acme")).done
    assert not restore(shipped, "ana", "operator", shipped.scope()).done  # wider: another change
    assert shipped.state().orders
    assert restore(shipped, "ana", "operator", shipped.scope(tenant="acme")).done


def test_an_approval_does_not_reach_an_order_that_came_after_it(shipped: Tiny) -> None:
    kill(shipped)
    assert not restore(shipped, "ben", "reviewer").done
    kill(shipped, shipped.scope(tenant="acme"), "chidi")
    assert not restore(shipped, "ana", "operator").done
    assert len(shipped.state().orders) == 2
    assert restore(shipped, "ben", "reviewer").done


def test_an_approval_that_was_used_is_not_used_again(shipped: Tiny) -> None:
    kill(shipped)
    restore(shipped, "ben", "reviewer")
    assert restore(shipped, "ana", "operator").done
    kill(shipped)
    assert not restore(shipped, "ana", "operator").done
    assert shipped.state().orders


def test_a_forged_approval_in_the_ledger_does_not_count(shipped: Tiny) -> None:
    held = kill(shipped)
    scope, up_to = shipped.scope(), shipped.workspace.now()
    what = postures.restoring((held.order.id,), scope, up_to)
    proof = approve("ben", "reviewer", what, shipped.workspace.person_key("ana"))  # ana writes in ben's name
    forged = Approval(person="ben", role="reviewer", what=what, proof=proof)
    with open_site(shipped.workspace) as authority:
        body = {"approval": forged, "orders": (held.order.id,), "scope": scope, "up_to": up_to}
        authority.note("ben", APPROVED, body)
    told = restore(shipped, "ana", "operator")
    assert told.what == what
    assert not told.done
    assert told.approved_by == ("ana",)


def test_a_restore_names_what_it_released(shipped: Tiny) -> None:
    held = kill(shipped)
    restore(shipped, "ben", "reviewer")
    restore(shipped, "ana", "operator")
    body = shipped.entries()[-1].body
    assert body["orders"] == [held.order.id]
    assert {one["person"] for one in body["approvals"]} == {"ana", "ben"}
    again = msgspec.convert(body["scope"], Scope)
    assert again == shipped.scope()


def test_orders_outside_the_scope_go_on_holding(shipped: Tiny) -> None:
    kill(shipped, shipped.scope(tenant="acme"))
    other = kill(shipped, shipped.scope(tenant="birch"))
    restore(shipped, "ben", "reviewer", shipped.scope(tenant="acme"))
    assert restore(shipped, "ana", "operator", shipped.scope(tenant="acme")).done
    assert [held.order.id for held in shipped.state().orders] == [other.order.id]


def test_safe_mode_is_left_by_one_operator(shipped: Tiny) -> None:
    posture.tighten(shipped.workspace, shipped.scope(), Named.SAFE_MODE, "odd mail", "ben")
    shipped.clock.advance(60)
    assert not restore(shipped, "ben", "reviewer").done
    assert restore(shipped, "ana", "operator").done


def test_there_must_be_something_to_restore(shipped: Tiny) -> None:
    with pytest.raises(UsageError, match="no order holds"):
        restore(shipped, "ana", "operator")


def test_confirming_keeps_the_posture_and_the_first_name(rolling: Tiny) -> None:
    with open_site(rolling.workspace) as authority:
        held = kill_by_machine(rolling)
        authority.tighten(held)
    with pytest.raises(PolicySaysNo):
        posture.confirm(rolling.workspace, held.order.id, "ben")
    state = posture.confirm(rolling.workspace, held.order.id, "ana")
    assert [one.confirmed_by for one in state.orders] == ["ana"]
    assert [one.order for one in state.orders] == [held.order]
    assert posture.confirm(rolling.workspace, held.order.id, "dana") == state
    assert rolling.kinds().count("respond.confirmed") == 1


def test_a_role_that_only_the_working_copy_gives_is_none(shipped: Tiny) -> None:
    held = kill(shipped)
    shipped.edit("shipworthy.yaml", "name: Chidi, roles: [ml]", "name: Chidi, roles: [ml, operator, reviewer]")
    with pytest.raises(PolicySaysNo, match="does not have the role"):
        posture.restore(shipped.workspace, held.order.scope, "chidi", "operator")
    with pytest.raises(PolicySaysNo):
        posture.confirm(shipped.workspace, held.order.id, "chidi")


def test_an_order_that_does_not_hold_is_not_confirmed(shipped: Tiny) -> None:
    with pytest.raises(UsageError, match="no order"):
        posture.confirm(shipped.workspace, "ORD-2027-9999", "ana")


def kill_by_machine(tiny: Tiny) -> Held:
    """Return an order as the controller gives it: nobody has confirmed it."""
    from shipworthy.respond import playbook

    held = playbook.by_person("x", tiny.scope(version="2"), Named.KILLED, "never event", "ORD-2027-0100", tiny.clock())
    order = msgspec.structs.replace(held.order, by="machine")
    return msgspec.structs.replace(held, order=order, confirmed_by="")
