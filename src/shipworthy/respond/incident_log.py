"""Incidents out of the ledger: the records it adds up to, and the story of one of them. Pure.

In: entries, in any order and any number of times. Out: the same records as the store holds, for every entry about an
incident has the whole record in it, and of one incident the entry with the largest revision is the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec
from msgspec import to_builtins

from shipworthy.errors import CannotDecide
from shipworthy.facts import Entry, Incident, read_incident
from shipworthy.respond.incidents import KINDS, UPDATED

_VERB = {
    "respond.ordered": "ordered",
    "respond.confirmed": "confirmed",
    "respond.restored": "restored",
    "respond.incident_opened": "opened the incident",
    "respond.incident_updated": "updated",
    "respond.incident_extended": "another order joined the incident",
    "respond.incident_commanded": "took command",
    "respond.incident_promoted": "promoted to a pack case",
    "respond.incident_closed": "closed the incident",
    "respond.incident_reopened": "reopened the incident",
    "respond.evidence_opened": "opened sealed inputs",
}


def incident_in(entry: Entry) -> Incident:
    """Return the record in an entry. Raises CannotDecide when it holds none that can be read."""
    try:
        return read_incident(entry.body["incident"])
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as problem:
        told = f"no incident can be read in it: {problem}"
        raise CannotDecide(told, f"entry {entry.seq}", "run `ledger verify`") from problem


def fold(entries: Iterable[Entry]) -> tuple[Incident, ...]:
    """Return what the entries add up to, sorted by id: what the store must hold."""
    newest: dict[str, tuple[int, int, Incident]] = {}
    for entry in entries:
        if entry.kind in KINDS:
            one = incident_in(entry)
            told = (one.revision, entry.seq, one)
            newest[one.id] = max(newest.get(one.id, told), told, key=lambda each: each[:2])
    return tuple(one for _, (_, _, one) in sorted(newest.items()))


def timeline(entries: Iterable[Entry], incident: Incident) -> tuple[tuple[str, str, str], ...]:
    """Return (at, actor, what) of the entries that mention the incident, its orders, cases or exact scope."""
    ids, scope = {incident.id, *incident.orders, *incident.case_ids}, to_builtins(incident.scope)
    mine = sorted((one for one in entries if _mentions(one.body, ids, scope)), key=lambda one: one.seq)
    return tuple((one.at, one.actor, _what(one)) for one in mine)


def _mentions(value: object, ids: Collection[str], scope: Mapping[str, str]) -> bool:
    """True when a text inside a body is one of the ids, or a part of it is the scope."""
    if isinstance(value, str):
        return value in ids
    if isinstance(value, Mapping):
        return value == scope or any(_mentions(item, ids, scope) for item in value.values())
    return isinstance(value, list | tuple) and any(_mentions(item, ids, scope) for item in value)


def _what(entry: Entry) -> str:
    verb, body = _VERB.get(entry.kind, entry.kind), entry.body
    held = body.get("held")
    if isinstance(held, Mapping):
        scope = held["order"]["scope"]
        return f"{verb} {held['order']['posture']} on {scope['version']} {scope['segment']}: {held['because']}"
    because = body.get("because") or body.get("reason") or _listed(entry)
    return f"{verb}: {because}" if because else verb


def _listed(entry: Entry) -> str:
    """What an update changed; the other entries say by their kind what they did."""
    names = entry.body.get("changed") if entry.kind == UPDATED else None
    return ", ".join(map(str, names)) if isinstance(names, list | tuple) else ""
