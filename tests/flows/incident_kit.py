"""What tests of incidents do: open one, lead it, promote it from rows, bring a version that mends it."""

from __future__ import annotations

import csv
from pathlib import Path

from shipworthy.facts import Case, Incident, Named, Scope, Severity
from shipworthy.facts.incident import Harm
from shipworthy.flows import incident as incidents
from shipworthy.flows.incident_promote import promote as promote_incident
from shipworthy.flows.site_state import open_site
from shipworthy.respond import playbook
from shipworthy.runtime import incident_book
from shipworthy.runtime.workspace import Workspace
from tests.flows.tiny import Tiny

UNSEEN = "supplier=__unseen__"
FIRST = "INC-2027-0001"


def opened(tiny: Tiny, segment: str = UNSEEN, slo: str = "ood_repeats") -> str:
    """Order safe mode in a segment and open its incident; return its id."""
    scope = Scope(model="tiny-triage", version="1", segment=segment)
    with open_site(tiny.workspace) as authority:
        held = playbook.by_person("ana", scope, Named.SAFE_MODE, "ood", authority.new_id("ORD"), tiny.clock())
        authority.tighten(held)
        proposal = playbook.Proposal(held, slo, Severity.SEV2)
        return incident_book.taken_up(authority, proposal, tiny.clock(), "chidi")[0].id


def led(tiny: Tiny, name: str) -> None:
    """Do what people owe an incident beside its proof: lead it, say what harm was done, and why no threat is new."""
    incidents.command(tiny.workspace, name, "ana")
    told = incidents.Changes(harm=Harm(type="none", severity="none"), no_threat="unknown suppliers are no attack")
    incidents.update(tiny.workspace, name, told, "chidi")


def promote(tiny: Workspace, name: str, rows: Path, person: str, target: float) -> tuple[Incident, tuple[Case, ...]]:
    """Promote from a file; return the incident and its cases."""
    made = promote_incident(tiny, name, rows, person, target)
    return made.incident, made.cases


def rows_of(tiny: Tiny, supplier: str = "S9", n: int = 80, label: str = "1") -> Path:
    """Write labelled rows of the incident; return the file."""
    path = tiny.at / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["visit", "tenant", "supplier", "speed", "age", "label"])
        writer.writerows([f"inc-{i}", "acme", supplier, 15 + i % 5, 30 + i % 40, label] for i in range(n))
    return path


def promoted(tiny: Tiny) -> str:
    """Open and promote an incident."""
    name = opened(tiny)
    promote(tiny.workspace, name, rows_of(tiny), "chidi", 0.15)
    led(tiny, name)
    return name


def mend(tiny: Tiny, name: str) -> None:
    """Bring a version that knows what to do, and say so in its note."""
    tiny.edit("deliberation-note.md", "A first release", f"After {name} unknown suppliers count for nothing. A release")
    tiny.release("2", unknown=0)
