"""The review queue by hand: list what waits, take an item (its input is opened, by name and on record), answer it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from shipworthy.errors import UsageError
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.respond.queue import changed, label_of
from shipworthy.runtime.review import opened
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.review import QueueItem, QueueStatus

LEASE = timedelta(minutes=30)
REVIEWERS = ("reviewer", "operator")


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An item leased to a person, with what was sealed in it."""

    item: QueueItem
    content: dict[str, Any]


def waiting(workspace: Workspace, tenant: str | None = None) -> tuple[QueueItem, ...]:
    """Return what waits or is leased, the most urgent first. Inputs stay sealed."""
    with open_site(workspace) as authority:
        authority.store.expire(workspace.now())
        items = authority.store.items(tenant=tenant)
        return tuple(item for item in items if item.status in (QueueStatus.WAITING, QueueStatus.LEASED))


def take(workspace: Workspace, person: str, tenant: str | None = None) -> Opened | None:
    """Lease the most urgent item to a person and open its input; the ledger says who opened what."""
    with open_site(workspace) as authority:
        contract = shipped_contract(workspace, authority)
        who = acting(contract, person)
        if not set(REVIEWERS) & set(who.roles):
            acting(contract, person, REVIEWERS[0])
        now = workspace.clock()
        until = (now + LEASE).isoformat(timespec="microseconds").replace("+00:00", "Z")
        item = authority.store.lease(tenant, person, until, workspace.now())
        if item is None:
            return None
        authority.note(person, "respond.review_opened", {"item": item.id, "tenant": item.tenant, "until": until})
        return Opened(item=item, content=opened(item, workspace.site_key()))


def answer(workspace: Workspace, item_id: str, person: str, decision: str) -> QueueItem:
    """Record the decision of the person who holds the lease; `deny` and `approve` are labels.

    The gateway counts it within a minute: its label by the item's receipt, and whether it changed what was suggested.
    """
    with open_site(workspace) as authority:
        contract = shipped_contract(workspace, authority)
        acting(contract, person)
        words = contract.manifest.decisions
        if decision not in (words.deny, words.approve, words.review):
            known = f"{words.deny}, {words.approve} or {words.review}"
            raise UsageError(f"not a decision: {decision!r}", item_id, known)
        before = authority.store.item(item_id)
        suggestion = opened(before, workspace.site_key())["suggestion"] if before is not None and before.sealed else ""
        overturned = changed(decision, suggestion or "", words)
        label = label_of(decision, words)
        item = authority.store.answer(item_id, person, decision, workspace.now(), label, overturned)
        authority.note(person, "respond.review_answered", {"item": item.id, "decision": decision})
        return item
