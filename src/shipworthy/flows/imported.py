"""Imported measurements on disk: beside the evidence of an artefact, each bound to the subject it was imported for."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide
from shipworthy.facts import Fact, Measurement, Subject, canonical
from shipworthy.runtime.workspace import Workspace

FILE = "imported.jsonl"


class Imported(Fact, frozen=True, kw_only=True):
    """One line: what was imported, and about what."""

    subject: Subject
    measurement: Measurement


def read_imported(workspace: Workspace, subject: Subject) -> tuple[tuple[Measurement, ...], tuple[str, ...]]:
    """Return the measurements imported for exactly this subject, and a warning for each made for another one."""
    lines = _lines(_path(workspace, subject))
    fresh = tuple(one.measurement for one in lines if one.subject == subject)
    stale = tuple(_stale(one, subject) for one in lines if one.subject != subject)
    return fresh, stale


def write_imported(workspace: Workspace, subject: Subject, made: tuple[Imported, ...]) -> None:
    """Write lines; one of the same SLO, segment and format is replaced."""
    path = _path(workspace, subject)
    kept = {_key(one): one for one in (*_lines(path), *made)}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(b"".join(canonical(kept[key]) + b"\n" for key in sorted(kept)))
    os.replace(fresh, path)


def differing(one: Subject, other: Subject) -> list[str]:
    """Return the names of what differs between two subjects."""
    return [field for field in Subject.__struct_fields__ if getattr(one, field) != getattr(other, field)]


def _stale(one: Imported, subject: Subject) -> str:
    origin = one.measurement.origin
    told = f"{origin.format} results for {origin.slo}" if origin else "imported results"
    return f"{told} are of another {', '.join(differing(one.subject, subject))}: import them again"


def _path(workspace: Workspace, subject: Subject) -> Path:
    return workspace.evidence(subject.artefact) / FILE


def _lines(path: Path) -> tuple[Imported, ...]:
    if not path.is_file():
        return ()
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    again = "remove the file and import again"
    try:
        read = tuple(msgspec.convert(loads(line, str(path)), Imported, strict=True) for line in lines)
    except msgspec.ValidationError as fault:
        raise CannotDecide(f"not imported results: {fault}", str(path), again) from fault
    if any(one.measurement.source != "imported" or one.measurement.origin is None for one in read):
        raise CannotDecide("a result that does not say where it was imported from", str(path), again)
    return read


def _key(one: Imported) -> tuple[str, str, str]:
    origin = one.measurement.origin
    return (origin.slo if origin else "", one.measurement.segment, origin.format if origin else "")
