"""The file of an incident: the same bytes each time, read back whole, its faults told with their lines."""

from __future__ import annotations

import pytest

from shipworthy.contract.incident_file import IncidentFile, read_incident_file, render
from shipworthy.facts import Incident, Person, Scope
from shipworthy.facts.incident import Factor, Harm, Reference

NAME = "incidents/INC-2027-0001.yaml"
ONE = Incident(
    id="INC-2027-0001", title="x: y", severity="SEV2", owner="chidi", scope=Scope(model="m"),
    reported_at="2027-01-04T09:30:00.000000Z", harm=Harm(type="rights", severity="minor", groups=("all",)),
    refs=(Reference(catalogue="atlas", version="5.6.0", id="AML.T0020"),),
    contributing_factors=(Factor(kind="data", what="few rows"),),
)  # fmt: skip
TEXT = render(IncidentFile(incident=ONE, time_to_detect_s=90.5))


def test_what_is_written_is_read_back_whole() -> None:
    read, problems = read_incident_file(TEXT, NAME)
    assert problems == ()
    assert read is not None
    assert (read.incident, read.time_to_detect_s) == (ONE, 90.5)
    assert render(read) == TEXT


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("id: INC-2027-0001", "id: INC-2027-0002", "is not named after it"),
        ("id: AML.T0020", "id: AML.T9999", "has no 'AML.T9999'"),
        ("what: few rows", "what: ana was late", "a factor names ana"),
        ("what: few rows", "what: few rows\n    person: ana", "person"),
        ("kind: data", "kind: person", "person"),
        ("status: active", "status: done", "done"),
        ("severity: SEV2", "severity: SEV2\n  severity: SEV4", "twice"),
    ],
)
def test_each_fault_is_told(old: str, new: str, told: str) -> None:
    assert TEXT.count(old) == 1
    ana = Person(id="ana", name="Ana", roles=("ml",), key="")
    read, problems = read_incident_file(TEXT.replace(old, new), NAME, [ana])
    assert read is None
    assert any(told in problem.what for problem in problems), problems
