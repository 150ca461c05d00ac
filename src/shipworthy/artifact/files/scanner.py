"""The scan of an artefact folder.

In: a path, what the manifest declares, limits. Out: a report. The canaries come first: a scanner that misses one does
not scan. Each file is read once, and the digest is taken over the very bytes that were scanned.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from shipworthy.artifact.digests import root_of
from shipworthy.artifact.files.folder import files_of, pieces
from shipworthy.artifact.scan import Declared, Finding, Kind, Limits, Report, missed_canaries, proposed, scan_bytes
from shipworthy.artifact.scan.findings import DEFAULT_LIMITS, NOTHING_DECLARED, unknown
from shipworthy.artifact.signature import ONE_FILE, SIGNATURE_FILE
from shipworthy.errors import CannotDecide, ShipworthyError


def scan_path(path: Path, declared: Declared = NOTHING_DECLARED, limits: Limits = DEFAULT_LIMITS) -> Report:
    """The report of a folder, or of one file. Raises as `scan_folder`."""
    if path.is_dir():
        return scan_folder(path, declared, limits)
    _check_canaries(declared, limits)
    hexed, findings = _scan_file(path.parent, path.name, declared, limits)
    digest = root_of([(ONE_FILE, hexed)])
    return Report(files=(path.name,), findings=findings, canary_found=True, digest=digest)


def learn_path(path: Path, declared: Declared, limits: Limits = DEFAULT_LIMITS) -> tuple[tuple[str, ...], Report]:
    """All classes to declare (those already declared included) and the report once they are.

    Trusting a class can show what stood behind it, so this goes on until a scan proposes nothing new.
    """
    report = scan_path(path, declared, limits)
    while new := proposed(report.findings) - declared.classes:
        declared = Declared(code=declared.code, classes=declared.classes | new)
        report = scan_path(path, declared, limits)
    return tuple(sorted(declared.classes)), report


def scan_folder(path: Path, declared: Declared = NOTHING_DECLARED, limits: Limits = DEFAULT_LIMITS) -> Report:
    """The report of every file under `path`, the signature file included (its digest is not, as in the signature).

    Raises ShipworthyError when a canary is missed, CannotDecide on an empty folder, a link or an unreadable file.
    """
    _check_canaries(declared, limits)
    names = files_of(path)
    hashed: list[tuple[str, str]] = []
    findings: list[Finding] = []
    for name in names:
        hexed, found = _scan_file(path, name, declared, limits)
        findings += found
        if name != SIGNATURE_FILE:
            hashed.append((name, hexed))
    if not hashed:
        raise CannotDecide("nothing to scan", str(path), "an artefact needs at least one file")
    return Report(files=names, findings=tuple(findings), canary_found=True, digest=root_of(hashed))


def _check_canaries(declared: Declared, limits: Limits) -> None:
    missed = missed_canaries(declared, limits)
    if missed:
        raise ShipworthyError(f"the scanner missed {', '.join(missed)}", "artefact scan", "do not trust this build")


def _scan_file(path: Path, name: str, declared: Declared, limits: Limits) -> tuple[str, tuple[Finding, ...]]:
    """SHA-256 hex of a file and its findings; a file over the limit is hashed and not scanned, which is a finding."""
    hasher, kept, size = hashlib.sha256(), bytearray(), 0
    for piece in pieces(path / name):
        hasher.update(piece)
        size += len(piece)
        if size <= limits.unpacked_bytes:
            kept += piece
    if size > limits.unpacked_bytes:
        return hasher.hexdigest(), (unknown(name, Kind.BOMB, f"{size} bytes are too many to scan"),)
    return hasher.hexdigest(), scan_bytes(name, bytes(kept), declared, limits)
