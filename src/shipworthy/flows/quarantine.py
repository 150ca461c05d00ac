"""Labels that are kept apart: look at whose they are, and release or drop them, by name and on record."""

from __future__ import annotations

import msgspec

from shipworthy.errors import UsageError
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.suspect import HELD, RELEASED

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


def settle(workspace: Workspace, version: str, source: str, status: str, person: str, because: str) -> int:
    """Release or drop the labels of a source; return how many. It is trusted again, and counted from anew.

    An operator decides, with an entry in the same transaction. Released labels are in the sums within a minute.
    Raises UsageError where nothing is held and nothing doubted, PolicySaysNo without the role.
    """
    with open_site(workspace) as authority:
        acting(shipped_contract(workspace, authority), person, OPERATOR)
        store = authority.store
        with store.transaction():
            doubted = [one for one in store.label_sources(version) if one.source == source and one.flagged_at]
            n = store.settle(version, source, status)
            if not n and not doubted:
                told = f"no labels of {source!r} about {version} are held"
                raise UsageError(told, "labels", "see `shipworthy labels quarantine list`")
            for one in doubted:
                store.put_label_source(msgspec.structs.replace(one, hours=(), n=0, looks=0, flagged_at=""))
            authority.note(person, ENTRIES[status], {"version": version, "source": source, "n": n, "because": because})
        return n
