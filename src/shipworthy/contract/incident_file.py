"""`incidents/<id>.yaml`: the record of one incident beside the model, as `shipworthy incident export` writes it.

In: a record and what follows from it. Out: the file's text, the same bytes each time; or, from a file, the record with
every fault at its line. The file is a copy to read and to keep: what holds stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
import yaml

from shipworthy.contract.blameless import person_named
from shipworthy.contract.catalogues import judge_ref
from shipworthy.contract.convert import convert
from shipworthy.contract.problems import Findings, Path, Problem
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.facts import Fact, Incident, Person

FOLDER = "incidents"
SCHEMA: Literal["shipworthy/incident@1"] = "shipworthy/incident@1"


class ClockRow(Fact, frozen=True, kw_only=True):
    """One clock of the law as it stood when the file was written."""

    rule: str
    due: str
    reported_at: str
    state: str


class IncidentFile(Fact, frozen=True, kw_only=True):
    """The whole file. Times, `clocks` and `timeline` follow from record and ledger."""

    schema: Literal["shipworthy/incident@1"] = SCHEMA
    incident: Incident
    time_to_detect_s: float | None = None
    time_to_degrade_s: float | None = None
    clocks: tuple[ClockRow, ...] = ()
    timeline: tuple[str, ...] = ()


def render(file: IncidentFile) -> str:
    """Return the text of the file."""
    plain: Mapping[str, Any] = msgspec.to_builtins(file)
    head = "# Written by `shipworthy incident export`. What holds stands in the ledger.\n"
    return head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)


def read_incident_file(
    source: str | bytes, file: str, people: Iterable[Person] = ()
) -> tuple[IncidentFile | None, tuple[Problem, ...]]:
    """Return the file, or None with every fault. No contributing factor may name one of `people`."""
    reading = read_yaml(source, file)
    told, problems = convert(reading, IncidentFile)
    if told is None:
        return None, problems
    found = Findings(file, reading.marks)
    incident = told.incident
    if f"{FOLDER}/{incident.id}.yaml" != file:
        found.add(
            ("incident", "id"), f"the file of {incident.id!r} is not named after it", f"name it {incident.id}.yaml"
        )
    for index, ref in enumerate(incident.refs):
        judged = judge_ref(ref.catalogue, ref.version, ref.id)
        if judged is not None and judged.fault:
            found.add(("incident", "refs", index, judged.part), judged.what, judged.fix)
    known = tuple(people)
    for index, factor in enumerate(incident.contributing_factors):
        path: Path = ("incident", "contributing_factors", index, "what")
        named = person_named(factor.what, known)
        if named is not None:
            found.add(path, f"a factor names {named.id}", "say what made it possible, not who did it")
    return (None if found.problems else told), found.problems
