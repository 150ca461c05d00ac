"""Labels that are kept apart: look at whose they are, and release or drop them, by name and on record."""

from __future__ import annotations

import msgspec

from shipworthy.errors import UsageError
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.protocol import Store
from shipworthy.store.quarantine import MOST_OF_SOURCE
from shipworthy.store.review import QueueStatus
from shipworthy.store.suspect import BY_ANSWER, HELD, RELEASED, Suspect

OPERATOR = "operator"
DROPPED = "dropped"
ENTRIES = {RELEASED: "respond.labels_released", DROPPED: "respond.labels_dropped"}


class Apart(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of one source about one version: how many are held, since when it is doubted (\"\" = it is not), and
    what it said beside what all its labels were."""

    version: str
    source: str
    held: int
    released: int
    flagged_at: str
    n: int
    against: int


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """`n` labels that are released or dropped; `counted` of them change the sums, for their decision has none yet."""

    n: int
    counted: int


def quarantined(workspace: Workspace) -> tuple[Apart, ...]:
    """Return every source of which labels are held or that is doubted, sorted."""
    with open_site(workspace) as authority:
        counts = authority.store.quarantine_counts()
        known = {(one.version, one.source): one for one in authority.store.label_sources()}
        keys = {(version, source) for version, source, _ in counts}
        keys |= {key for key, one in known.items() if one.flagged_at}
        made = []
        for version, source in sorted(keys):
            one = known.get((version, source))
            hours = one.hours if one is not None else ()
            made.append(
                Apart(
                    version=version,
                    source=source,
                    held=counts.get((version, source, HELD), 0),
                    released=counts.get((version, source, RELEASED), 0),
                    flagged_at=one.flagged_at if one is not None else "",
                    n=sum(n for _, n, _ in hours),
                    against=sum(against for _, _, against in hours),
                )
            )
        return tuple(made)


def settle(workspace: Workspace, version: str, source: str, status: str, person: str, because: str) -> Settled:
    """Release or drop the labels of a source; return how many. It is trusted again, and counted from anew.

    An operator decides, with an entry in the same transaction. Released labels are in the sums within a minute;
    one whose decision has a label already, as one that a person gave, changes nothing: that one stands.
    Raises UsageError where nothing is held and nothing doubted, PolicySaysNo without the role.
    """
    with open_site(workspace) as authority:
        acting(shipped_contract(workspace, authority), person, OPERATOR)
        store = authority.store
        with store.transaction():
            doubted = [one for one in store.label_sources(version) if one.source == source and one.flagged_at]
            new = _new(store, version, source) if status == RELEASED else 0
            n = store.settle(version, source, status)
            if not n and not doubted:
                told = f"no labels of {source!r} about {version} are held"
                raise UsageError(told, "labels", "see `shipworthy labels quarantine list`")
            for one in doubted:
                store.put_label_source(msgspec.structs.replace(one, hours=(), n=0, looks=0, flagged_at=""))
            body = {"version": version, "source": source, "n": n, "because": because}
            authority.note(person, ENTRIES[status], body | ({"counted": new} if status == RELEASED else {}))
        return Settled(n=n, counted=new)


def _new(store: Store, version: str, source: str) -> int:
    """Return how many decisions get a label, or an answer, that they do not have, when what is held is released."""
    held = store.quarantined(HELD, version, source, 2 * MOST_OF_SOURCE)
    return len({(one.receipt.request, one.kind) for one in held if one.kind == BY_ANSWER or not _is_known(store, one)})


def _is_known(store: Store, one: Suspect) -> bool:
    """True when a decision has a label in the sums, or a person's that is on its way there."""
    item = store.item(one.receipt.request)
    on_its_way = item is not None and item.status is QueueStatus.ANSWERED and item.label is not None
    return on_its_way or store.is_labelled(one.receipt.request)
