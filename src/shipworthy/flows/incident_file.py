"""The record of an incident as a file of the repository, and whether such a file still says what the ledger says."""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.contract.incident_file import FOLDER, ClockRow, IncidentFile, render
from shipworthy.errors import CannotDecide
from shipworthy.flows.incident import Told, show
from shipworthy.runtime.workspace import Workspace


def export(workspace: Workspace, name: str) -> Path:
    """Write `incidents/<id>.yaml`, whole; return its path."""
    text, path = text_of(show(workspace, name)), _path(workspace, name)
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    return path


def check(workspace: Workspace, name: str) -> Path:
    """Return the path of a file that says what record and ledger say now. Raises CannotDecide when it does not."""
    text, path = text_of(show(workspace, name)), _path(workspace, name)
    fix = f"run `shipworthy incident export {name}`"
    if not path.is_file():
        raise CannotDecide("there is no such file", str(path), fix)
    if path.read_text(encoding="utf-8") != text:
        raise CannotDecide("it is not what the ledger says now", str(path), fix)
    return path


def text_of(told: Told) -> str:
    """Return the text of the file."""
    return render(
        IncidentFile(
            incident=told.incident,
            time_to_detect_s=told.time_to_detect_s,
            time_to_degrade_s=told.time_to_degrade_s,
            clocks=tuple(msgspec.convert(msgspec.to_builtins(one), ClockRow) for one in told.clocks),
            timeline=tuple(f"{one.at} {one.actor}: {one.what}" for one in told.timeline),
        )
    )


def _path(workspace: Workspace, name: str) -> Path:
    return workspace.root / FOLDER / f"{name}.yaml"
