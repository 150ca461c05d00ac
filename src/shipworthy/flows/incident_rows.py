"""Rows of an incident out of the sealed review queue: as few as its case needs, opened by name and on record.

In: the incident, its question, the person. Out: rows with the label that people gave, and what was left out. Who may
open them is said by the contract that shipped, as at the review desk; a working copy is anybody's to edit. Which items
are opened is told from what is not sealed (version, tenant, segments, time, label); the ledger entry that names them is
written before the first is read. Inputs that have expired are gone, and are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shipworthy.contract.contract import Contract
from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Incident, Oracle, digest, holds, parse_segment
from shipworthy.flows.site_state import shipped_contract
from shipworthy.observe.minutes import minute_of
from shipworthy.respond import promotion
from shipworthy.respond.moments import moment
from shipworthy.respond.promotion import Row
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.review import opened
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.review import QueueItem

REVIEWERS = ("reviewer", "operator")
OPENED = "respond.evidence_opened"
UNTOLD = 24 * 60  # minutes before somebody was aware, when no window tells the first decision


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows in scope, and what was left out and why."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()


def sealed_rows(
    workspace: Workspace,
    authority: Authority,
    contract: Contract,
    incident: Incident,
    oracle: Oracle,
    person: str,
    every: bool,
) -> Gathered:
    """Open what the case needs, or `every` item that it asks about, and return the labelled rows.

    `incident`: with its first decision, as far as windows tell (`incident.measured`). Raises PolicySaysNo for a person
    who may not open inputs, UsageError when nothing labelled and readable is there.
    """
    who = shipped_contract(workspace, authority).person(person)
    if who is None or not set(REVIEWERS) & set(who.roles):
        told = f"{person} may not open sealed inputs"
        raise PolicySaysNo(told, "people", f"ask somebody with the role {' or '.join(REVIEWERS)}, or give --rows")
    mine = [item for item in authority.store.items() if in_scope(item, incident)]
    labelled = [item for item in mine if item.label is not None]
    asked = [item for item in labelled if promotion.asks_about(oracle, item.label or 0)]
    readable = [item for item in asked if item.sealed]
    wanted = _order(readable, incident) if every else _order(readable, incident)[: promotion.needs(oracle)]
    left_out = _told(mine, labelled, asked, readable, wanted)
    if not wanted:
        told = (
            f"nothing labelled and readable of it is in the review queue; {'; '.join(left_out) or 'no item in scope'}"
        )
        raise UsageError(told, incident.id, "answer reviews of its scope, or give --rows")
    body = {"incident_id": incident.id, "items": [item.id for item in wanted], "for": oracle.name}
    authority.note(who.id, OPENED, body)
    label = contract.manifest.label.column
    key = workspace.site_key()
    rows = tuple({**opened(item, key)["row"], label: item.label} for item in wanted)
    return Gathered(rows=rows, left_out=left_out)


def in_scope(item: QueueItem, incident: Incident) -> bool:
    """True when an item's decision lies in the incident's scope, from its first decision to its end."""
    scope = incident.scope
    if scope.version not in ("*", item.version) or scope.tenant not in ("*", item.tenant):
        return False
    if not _since(incident) <= item.minute <= _until(incident):
        return False
    return holds(scope.segment, {**_values(item.segments), "tenant": item.tenant})


def _since(incident: Incident) -> int:
    """The minute of the first decision; when no window tells, a day before somebody was aware of what happened, and
    never before it was last closed."""
    if incident.began_at:
        return minute_of(moment(incident.began_at))
    aware = minute_of(moment(incident.aware_at or incident.reported_at))
    closed = [minute_of(moment(one.closed_at)) + 1 for one in incident.reopened if one.closed_at]
    return max((aware - UNTOLD, *closed))


def _until(incident: Incident) -> float:
    return minute_of(moment(incident.stable_at)) if incident.stable_at else float("inf")


def _values(segments: Iterable[str]) -> dict[str, str]:
    """The key values of an item, from the texts of its single keys."""
    values: dict[str, str] = {}
    for text in segments:
        terms = parse_segment(text)
        if len(terms) == 1:
            ((key, named),) = terms.items()
            if len(named) == 1:
                values[key] = min(named)
    return values


def _order(items: Iterable[QueueItem], incident: Incident) -> list[QueueItem]:
    """An order that nobody chooses: by a digest of incident and item."""
    return sorted(items, key=lambda item: digest({"salt": incident.id, "item": item.id}))


def _told(
    mine: list[QueueItem],
    labelled: list[QueueItem],
    asked: list[QueueItem],
    readable: list[QueueItem],
    wanted: list[QueueItem],
) -> tuple[str, ...]:
    steps = (
        (len(mine) - len(labelled), "items without a label"),
        (len(labelled) - len(asked), "items that the case asks nothing of"),
        (len(asked) - len(readable), "items whose input has expired"),
        (len(readable) - len(wanted), "items more than it needs, left sealed"),
    )
    return tuple(f"{count} {what}" for count, what in steps if count)
