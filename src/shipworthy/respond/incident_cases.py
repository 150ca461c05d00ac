"""The cases that an incident becomes: their names, reasons and companions. Pure.

In: the record, the contract, the question. Out: cases. An id is never used again: what comes back, and what another
incident became, gets a name of its own.
"""

from __future__ import annotations

import re
from typing import Any, Final

from shipworthy.contract.contract import Contract
from shipworthy.contract.pack import FOLDER
from shipworthy.facts import Case, Incident, Oracle
from shipworthy.respond.promotion import NEVER, unfamiliar

SHOWS: Final = "blocker"  # the severity of cases that show the failure; others only bound its price
HIDDEN: Final = "shift.code-hidden"
_LONGEST = 80  # of a name that is made of a segment: files have their limits
_NO_WORD = re.compile(r"[^A-Za-z0-9_.]+")


def cases(
    contract: Contract,
    incident: Incident,
    kind: str,
    oracle: Oracle,
    rows: int,
    owner: str,
    companion: str,
) -> tuple[Case, ...]:
    """Return the cases: over `rows` rows of the incident; about unfamiliar values also over the dataset `companion`."""
    category = unfamiliar(incident, contract.manifest)
    taken = {case.id for case in contract.cases if case.source_incident != incident.id}
    earlier = {one.id for one in incident.cases}
    if not category:
        name = _new(f"incident.{slug(incident)}", incident, taken | earlier)
        return (case_of(incident, name, kind, oracle, rows, owner),)
    names = {f"incident.unfamiliar-{category}", HIDDEN, f"{HIDDEN}-review"}
    again = f"-{_round(incident)}" if names & (taken | earlier) else ""
    told = f"whose {category} version {incident.scope.version} had never seen"
    first = case_of(incident, f"incident.unfamiliar-{category}{again}", kind, oracle, rows, owner, told)
    return (first, *_companions(incident, category, oracle, owner, companion, again))


def _companions(
    incident: Incident, category: str, oracle: Oracle, owner: str, companion: str, again: str
) -> tuple[Case, ...]:
    """The same harm on held-out rows with the feature hidden, and what a fix may cost at most."""
    review = Oracle(name="review_rate", hits="route == 'person'", op="<=", target=0.95)
    common: dict[str, Any] = {
        "kind": "metamorphic",
        "owner": owner,
        "source_incident": incident.id,
        "generator": {"name": "hide_feature", "feature": category, "dataset": companion},
    }
    same = f"{incident.id}: the same harm on held-out rows with {category} replaced by an unknown value."
    price = f"{incident.id}: sending everything to people must not be the winning answer."
    name = f"{HIDDEN}{again}"
    return (
        Case(id=name, clause="robustness", oracle=oracle, severity=SHOWS, reason=same, **common),
        Case(id=f"{name}-review", clause="alignment", oracle=review, severity="minor", reason=price, **common),
    )


def _new(name: str, incident: Incident, taken: set[str]) -> str:
    return f"{name}-{_round(incident)}" if name in taken else name


def _round(incident: Incident) -> str:
    back = len(incident.reopened)
    return f"{incident.id.lower()}-{back + 1}" if back else incident.id.lower()


def slug(incident: Incident) -> str:
    """Return the last part of the case's id: its segment, or what was breached where it is about everything.

    Only letters, digits, `_`, `.` and `-` are in it, so that it can name a file.
    """
    text = incident.scope.segment if incident.scope.segment != "*" else incident.slo or incident.id.lower()
    return _NO_WORD.sub("-", text)[:_LONGEST].strip("-.") or incident.id.lower()


def case_of(incident: Incident, name: str, kind: str, oracle: Oracle, rows: int, owner: str, told: str = "") -> Case:
    """Return the case over a file of rows named after it."""
    of = told or ("of all traffic" if incident.scope.segment == "*" else f"of {incident.scope.segment}")
    return Case(
        id=name,
        clause="alignment" if kind == NEVER else "robustness",
        kind=kind,
        oracle=oracle,
        input={"rows": f"{FOLDER}/{name}.csv.gz"},
        severity=SHOWS,
        owner=owner,
        source_incident=incident.id,
        reason=f"{incident.id}: {rows} labelled rows {of}, from version {incident.scope.version}.",
    )
