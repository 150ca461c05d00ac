"""Scan an artefact folder for unsafe code, and turn the report into a measurement."""

from __future__ import annotations

from pathlib import Path

from shipworthy.artifact.files.scanner import scan_folder
from shipworthy.artifact.scan import Declared, Report
from shipworthy.contract.manifest import Manifest
from shipworthy.facts import Measurement


def scan(root: Path, manifest: Manifest) -> Report:
    """Scan the artefact folder. Code that the manifest declares as the model's entry is declared, not a finding."""
    entry = (manifest.adapter.entry or "").partition(":")[0]
    return scan_folder(root / manifest.artefacts, Declared(code=frozenset({entry} - {""})))


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
