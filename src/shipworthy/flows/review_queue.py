"""The review queue by hand: list what waits, take an item (its input is opened, by name and on record), answer it."""

from __future__ import annotations

from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.desk import Desk, Opened
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.review import QueueDepth, QueueItem


def desk_of(workspace: Workspace, authority: Authority) -> Desk:
    """Return the desk of a site. Who may open inputs is said by the contract that shipped."""
    contract = shipped_contract(workspace, authority)
    return Desk(authority.store, authority.note, lambda: contract, workspace.site_key(), workspace.clock)


def waiting(workspace: Workspace, tenant: str | None = None) -> tuple[QueueItem, ...]:
    """Return what waits or is leased, the most urgent first. Inputs stay sealed."""
    with open_site(workspace) as authority:
        return desk_of(workspace, authority).waiting(tenant)


def show(workspace: Workspace, item_id: str) -> QueueItem:
    """Return an item without its input. Raises UsageError for an id that none has."""
    with open_site(workspace) as authority:
        return desk_of(workspace, authority).look(item_id)


def depth(workspace: Workspace) -> QueueDepth:
    """Return how full the queue is."""
    with open_site(workspace) as authority:
        return desk_of(workspace, authority).depth()


def take(workspace: Workspace, person: str, tenant: str | None = None, item_id: str | None = None) -> Opened | None:
    """Lease an item to a person and open its input; the ledger says who opened what, before it is shown."""
    with open_site(workspace) as authority:
        acting(shipped_contract(workspace, authority), person)
        return desk_of(workspace, authority).take(person, tenant, item_id)


def give_back(workspace: Workspace, item_id: str, person: str) -> QueueItem:
    """Let another person have an item."""
    with open_site(workspace) as authority:
        acting(shipped_contract(workspace, authority), person)
        return desk_of(workspace, authority).give_back(item_id, person)


def answer(workspace: Workspace, item_id: str, person: str, decision: str, because: str = "") -> QueueItem:
    """Record the decision of the person who holds the lease; `deny` and `approve` are labels."""
    with open_site(workspace) as authority:
        acting(shipped_contract(workspace, authority), person)
        return desk_of(workspace, authority).answer(item_id, person, decision, because)
