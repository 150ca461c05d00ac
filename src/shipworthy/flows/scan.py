"""Scan an artefact folder for unsafe code, and turn the report into a measurement."""

from __future__ import annotations

from pathlib import Path

from shipworthy.artifact.files.scanner import learn_path, scan_folder
from shipworthy.artifact.scan import Declared, Report, may_declare
from shipworthy.contract.manifest import Manifest
from shipworthy.errors import CannotDecide, ContractError
from shipworthy.facts import Measurement


def scan(root: Path, manifest: Manifest) -> Report:
    """Scan the artefact folder. Code that the manifest declares as the model's entry is declared, not a finding, and so
    are the classes under `scan:`. Raises ContractError on a class that nobody may let through, CannotDecide without an
    artefact."""
    return scan_folder(_artefacts(root, manifest), declared(manifest))


def learn(root: Path, manifest: Manifest) -> tuple[tuple[str, ...], Report]:
    """Return the classes that would have to be declared, and the report once they are."""
    return learn_path(_artefacts(root, manifest), declared(manifest))


def _artefacts(root: Path, manifest: Manifest) -> Path:
    folder = root / manifest.artefacts
    if not folder.is_dir():
        raise CannotDecide("there is no artefact", str(folder), "run `shipworthy build`")
    return folder


def declared(manifest: Manifest) -> Declared:
    """Return what the manifest admits to. Raises ContractError on a class that can never be declared."""
    for name in manifest.scan.classes:
        if not may_declare(name):
            fix = "take it out: the standard library, loaders and functions are never let through"
            raise ContractError(f"scan.classes: {name} cannot be declared", "shipworthy.yaml", fix)
    entry = (manifest.adapter.entry or "").partition(":")[0]
    return Declared(code=frozenset({entry} - {""}), classes=frozenset(manifest.scan.classes))


def findings_measurement(report: Report) -> Measurement:
    """Return `artefact_findings`; without the planted canary the scan has seen nothing."""
    count = len(report.findings)
    value = float(count) if report.canary_found and report.files else None
    return Measurement(
        indicator="artefact_findings",
        n=len(report.files),
        hits=count,
        value=value,
        lo=value,
        hi=value,
        method="allow-list scan, planted canaries found first",
    )
