"""Tighten, confirm and restore by hand. Tightening needs nothing but a name; loosening needs signatures.

A restore is approved by each person with their own key over exactly this change: the orders, the scope and the moment
up to which breaches are acknowledged. It happens when the approvals suffice; leaving `killed` takes two people.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.artifact.approval import approve, check
from shipworthy.artifact.keys import key_id, load_public
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Approval, Digest, Held, Named, Person, RuntimeState, Scope
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.flows.tighten import record, trip
from shipworthy.respond import postures
from shipworthy.respond.lies import KEPT_AS, WARNED_AS
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.overridden import is_overridden
from shipworthy.runtime.workspace import Workspace

APPROVED = "respond.approved"


class Restoring(msgspec.Struct, frozen=True, kw_only=True):
    """Where a restore stands. `done` when it happened; otherwise `waits` says for what."""

    what: Digest
    orders: tuple[str, ...]
    approved_by: tuple[str, ...]
    done: bool
    waits: str
    epoch: int


def state_of(workspace: Workspace) -> RuntimeState:
    """Return what holds now. Raises CannotDecide when it cannot be read."""
    with open_site(workspace) as authority:
        return authority.state()


def write_flags(workspace: Workspace, path: Path) -> RuntimeState:
    """Write what holds now as a flagd document; return the state. Raises CannotDecide when it cannot be read.

    A candidate under an override is not in it: only a running site knows how far that reaches.
    """
    from shipworthy.runtime import flag_file  # routing hashes units by xxhash, which a pager's `kill` must not need

    with open_site(workspace) as authority:
        state = authority.state()
        manifest = shipped_contract(workspace, authority).manifest
    rollout = state.rollout
    if rollout is not None and is_overridden(workspace.releases / rollout.version):
        state = msgspec.structs.replace(state, rollout=None)
    flag_file.write(path, flag_file.document_of_state(manifest, state))
    return state


def lies_of(workspace: Workspace) -> dict[str, Any]:
    """Return where breaches lay when the serving gateway last told: `at` and `versions`; empty when it has not."""
    with open_site(workspace) as authority:
        kept = authority.store.get(KEPT_AS)
    told: dict[str, Any] = {} if kept is None else msgspec.json.decode(kept)
    return told


def warning_of(workspace: Workspace) -> str:
    """Return what the site warned of when it was served last; "" when all was well, or it never was."""
    with open_site(workspace) as authority:
        return (authority.store.get(WARNED_AS) or b"").decode("utf-8", "replace")


def tighten(workspace: Workspace, scope: Scope, posture: Named, because: str, person: str) -> Held:
    """Give an order by hand: it holds at once, also when store and ledger are dead, and is then written down."""
    tripped = trip(workspace, scope, posture, because, person)
    record(workspace, tripped)
    return tripped.held


def confirm(workspace: Workspace, order: str, person: str) -> RuntimeState:
    """Stand by a machine's order, in the role of operator. The posture stays."""
    with open_site(workspace) as authority:
        who = acting(shipped_contract(workspace, authority), person)
        return authority.confirm(order, who)


def restore(workspace: Workspace, scope: Scope, person: str, role: str) -> Restoring:
    """Approve, with this person's key, that the orders inside `scope` are released; release them if that suffices."""
    with open_site(workspace) as authority:
        state = authority.state()
        contract = shipped_contract(workspace, authority, scope.version)
        acting(contract, person, role)
        within = postures.orders_within(state, scope)
        orders = tuple(held.order.id for held in within)
        if not orders:
            raise UsageError("no order holds inside this scope", str(scope.segment), "see `shipworthy status`")
        now = workspace.now()
        up_to = _up_to(authority, orders, scope, (max(held.at for held in within), now)) or now
        what = postures.restoring(orders, scope, up_to)
        mine = Approval(
            person=person, role=role, what=what, proof=approve(person, role, what, workspace.person_key(person))
        )
        authority.note(person, APPROVED, {"approval": mine, "orders": orders, "scope": scope, "up_to": up_to})
        approvals = _approvals(authority, contract, what)
        people = [approver(contract, approval) for approval in approvals]
        names = tuple(dict.fromkeys(one.id for one in people))
        try:
            after = authority.restore(orders, scope, up_to, people, approvals)
        except PolicySaysNo as waits:
            return Restoring(
                what=what, orders=orders, approved_by=names, done=False, waits=waits.what, epoch=state.epoch
            )
        return Restoring(what=what, orders=orders, approved_by=names, done=True, waits="", epoch=after.epoch)


def _up_to(authority: Authority, orders: Sequence[str], scope: Scope, between: tuple[str, str]) -> str:
    """Return the moment an earlier approval of the same restore named, so that two people sign the same change; "" when
    there is none. A moment before the orders or after now is of a clock that was wrong: it can be signed by nobody."""
    for entry in reversed(list(authority.ledger.entries())):
        if entry.kind == "respond.restored":
            return ""
        same = entry.kind == APPROVED and tuple(entry.body["orders"]) == tuple(orders)
        if same and between[0] <= entry.body["up_to"] <= between[1] and entry.read(Scope, "scope") == scope:
            return str(entry.body["up_to"])
    return ""


def _approvals(authority: Authority, contract: Contract, what: Digest) -> tuple[Approval, ...]:
    """Return the approvals of exactly this change whose signatures hold, one per person and role."""
    found: dict[tuple[str, str], Approval] = {}
    for entry in authority.ledger.entries():
        if entry.kind != APPROVED:
            continue
        approval: Approval = entry.read(Approval, "approval")
        if approval.what == what and _holds(contract, approval):
            found[approval.person, approval.role] = approval
    return tuple(found.values())


def _holds(contract: Contract, approval: Approval) -> bool:
    person = contract.person(approval.person)
    if person is None or approval.role not in person.roles:
        return False
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = load_public(person.key)
    if not isinstance(key, Ed25519PublicKey):
        raise CannotDecide(f"the key of {person.id} is not an Ed25519 key", "people")
    return check(approval, key)


def approver(contract: Contract, approval: Approval) -> Person:
    """Return the person in the one role they approved in: roles they hold beside it do not count here.

    Their key is told by its digest: the same key in two files with other comments is one key. Raises CannotDecide for
    a person whom the contract does not name.
    """
    person = contract.person(approval.person)
    if person is None:
        raise CannotDecide(f"{approval.person!r} is not one of the people of this contract", "people")
    return msgspec.structs.replace(person, roles=(approval.role,), key=key_id(load_public(person.key)))
