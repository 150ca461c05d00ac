"""Provenance on disk: beside the evidence of the artefact it is about, and apart from it, for it holds the clock.

In: the workspace and an artefact digest. Out: the statement as read, or None when there is none. Written unsigned, by a
process without keys; the gate signs the same bytes when it ships.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from shipworthy.artifact.provenance import Making, Provenance, provenance, read_provenance
from shipworthy.artifact.rebuilt import Rebuilt
from shipworthy.artifact.statement import statement_bytes
from shipworthy.artifact.strict import loads
from shipworthy.contract.change import TERMS, build_files, build_terms
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide
from shipworthy.facts import Digest, canonical
from shipworthy.runtime.workspace import Workspace

PROVENANCE, REPRODUCED, TRAINED = "provenance.json", "reproduced.json", "trained.json"


def write_provenance(workspace: Workspace, model: str, artefact: Digest, making: Making) -> Path:
    """Write how an artefact was made; return the file."""
    return _write(
        workspace.evidence(artefact) / PROVENANCE, statement_bytes(provenance([(model, artefact)], making)) + b"\n"
    )


def provenance_bytes(workspace: Workspace, artefact: Digest) -> bytes | None:
    """Return the statement's own bytes, None when there is none."""
    path = workspace.evidence(artefact) / PROVENANCE
    return path.read_bytes().strip() if path.is_file() else None


def read_made(workspace: Workspace, artefact: Digest) -> Provenance | None:
    """Return how an artefact was made, None when nothing says it. Raises CannotDecide when it cannot be read."""
    raw = provenance_bytes(workspace, artefact)
    if raw is None:
        return None
    made = read_provenance(raw)
    if not made.is_about(artefact):
        raise CannotDecide("the provenance is about another artefact", PROVENANCE, "run `shipworthy build`")
    return made


def write_rebuilt(workspace: Workspace, rebuilt: Rebuilt) -> Path:
    """Write what a rebuild showed; return the file."""
    return _write(workspace.evidence(rebuilt.artefact) / REPRODUCED, canonical(rebuilt) + b"\n")


def read_rebuilt(workspace: Workspace, artefact: Digest) -> Rebuilt | None:
    """Return what a rebuild of the artefact showed, None when there was none. Raises CannotDecide when unreadable."""
    path = workspace.evidence(artefact) / REPRODUCED
    if not path.is_file():
        return None
    try:
        return msgspec.convert(loads(path.read_bytes(), str(path)), Rebuilt, strict=True)
    except msgspec.ValidationError as problem:
        raise CannotDecide(f"not a rebuild record: {problem}", str(path), "run `shipworthy reproduce`") from problem


def write_trained(workspace: Workspace, made: Mapping[str, object]) -> Path:
    """Write the statement of the last training run; return the file."""
    return _write(workspace.root / ".shipworthy" / "evidence" / TRAINED, statement_bytes(made) + b"\n")


def read_trained(workspace: Workspace) -> Provenance | None:
    """Return the last training run that was attested here, None when there was none."""
    path = workspace.root / ".shipworthy" / "evidence" / TRAINED
    return read_provenance(path.read_bytes().strip()) if path.is_file() else None


def materials_now(contract: Contract) -> dict[str, Digest]:
    """Return the digests, as they are now, of the files that a build would see, and of what the manifest tells it."""
    files = {name: contract.digests[name] for name in build_files(contract.manifest, contract.files)}
    return {**files, TERMS: build_terms(contract.manifest)}


def _write(path: Path, raw: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path
