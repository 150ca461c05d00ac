"""Evidence on disk: one folder per artefact digest, canonical bytes, no clock in it.

`evidence.jsonl` is what the gate reads, one line. `cases.jsonl` says the same of the cases alone, one line each, with
the digests of all that was measured: for people, spreadsheets and other tools.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide
from shipworthy.facts import Evidence, Run, canonical
from shipworthy.runtime.workspace import Workspace

MAX_BYTES = 64 << 20
EVIDENCE, CASES, RUN = "evidence.jsonl", "cases.jsonl", "run.json"


def write_evidence(workspace: Workspace, evidence: Evidence, run: Run) -> Path:
    """Write evidence and run; return the evidence file."""
    folder = workspace.evidence(evidence.subject.artefact)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / EVIDENCE
    path.write_bytes(canonical(evidence) + b"\n")
    (folder / CASES).write_bytes(b"".join(canonical(one) + b"\n" for one in case_lines(evidence)))
    (folder / RUN).write_bytes(canonical(run) + b"\n")
    return path


def case_lines(evidence: Evidence) -> list[dict[str, Any]]:
    """Return what each case showed together with what it was shown of, one mapping a case, in the pack's order."""
    subject = evidence.subject
    about = {
        "model": subject.model,
        "version": subject.version,
        "artefact": subject.artefact,
        "data": subject.data,
        "pack": subject.pack,
        "tool": evidence.tool,
        "tool_version": evidence.tool_version,
    }
    return [{**about, **msgspec.structs.asdict(one)} for one in evidence.cases]


def read_evidence(workspace: Workspace, artefact: str) -> Evidence | None:
    """Return the evidence about an artefact, None when there is none. Raises CannotDecide when it cannot be read."""
    path = workspace.evidence(artefact) / EVIDENCE
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise CannotDecide(f"larger than {MAX_BYTES} bytes", str(path), "run `shipworthy evaluate`")
    try:
        return msgspec.convert(loads(path.read_bytes(), str(path)), Evidence, strict=True)
    except msgspec.ValidationError as problem:
        raise CannotDecide(f"not evidence: {problem}", str(path), "run `shipworthy evaluate`") from problem
