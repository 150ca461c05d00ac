"""The artefact scanner: what a file would do if somebody loaded it, found out without loading it.

In: a name, bytes, and what the signed manifest declares. Out: findings, never an exception. An allow-list: a file is
clean when everything in it was recognised and all of that is needed to hold a model.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.artifact.scan.allowed import may_declare
from shipworthy.artifact.scan.canaries import canaries
from shipworthy.artifact.scan.containers import Scan
from shipworthy.artifact.scan.findings import (
    DEFAULT_LIMITS,
    NOTHING_DECLARED,
    Declared,
    Finding,
    Kind,
    Limits,
    Report,
    Severity,
)
from shipworthy.artifact.scan.learn import as_yaml, proposed

__all__ = [
    "Declared",
    "Finding",
    "Kind",
    "Limits",
    "Report",
    "Severity",
    "as_yaml",
    "canary",
    "may_declare",
    "missed_canaries",
    "proposed",
    "scan_beside",
    "scan_bytes",
]


def scan_bytes(
    name: str, blob: bytes, declared: Declared = NOTHING_DECLARED, limits: Limits = DEFAULT_LIMITS
) -> tuple[Finding, ...]:
    """Findings of one file, at most `limits.findings`; empty only when the whole of it is known to be plain."""
    return scan_beside(name, blob, {}, declared, limits)[0]


def scan_beside(
    name: str,
    blob: bytes,
    beside: Mapping[str, int],
    declared: Declared = NOTHING_DECLARED,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[tuple[Finding, ...], frozenset[str]]:
    """As `scan_bytes` for a file with others in its folder (name → size), and those of them that hold its tensors."""
    scan = Scan(declared, limits, beside)
    found = dict.fromkeys(scan.blob(name, blob))
    return tuple(found)[: limits.findings], scan.tensors


def canary() -> tuple[tuple[str, bytes], ...]:
    """(name, bytes) of the planted unsafe files that every scan must catch first."""
    return canaries()


def missed_canaries(declared: Declared = NOTHING_DECLARED, limits: Limits = DEFAULT_LIMITS) -> tuple[str, ...]:
    """The canaries in which this scan, with this declaration and these limits, sees nothing unsafe."""
    return tuple(
        name
        for name, blob in canaries()
        if not any(one.severity is Severity.UNSAFE for one in scan_bytes(name, blob, declared, limits))
    )
