"""The scan of an artefact folder.

In: a path, what the manifest declares, limits. Out: a report. The canaries come first: a scanner that misses one does
not scan. Each file is read once, and the digest is taken over the very bytes that were scanned.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from shipworthy.artifact.digests import root_of
from shipworthy.artifact.files.folder import files_of, pieces
from shipworthy.artifact.scan import Declared, Finding, Kind, Limits, Report, missed_canaries, proposed, scan_beside
from shipworthy.artifact.scan.findings import DEFAULT_LIMITS, NOTHING_DECLARED, unknown
from shipworthy.artifact.scan.onnx import FIRST_BYTE
from shipworthy.artifact.signature import ONE_FILE, SIGNATURE_FILE
from shipworthy.errors import CannotDecide, ShipworthyError


def scan_path(path: Path, declared: Declared = NOTHING_DECLARED, limits: Limits = DEFAULT_LIMITS) -> Report:
    """The report of a folder, or of one file. Raises as `scan_folder`."""
    if os.path.isdir(path):  # False as well for a name that no disk takes
        return scan_folder(path, declared, limits)
    _check_canaries(declared, limits)
    hexed, findings, _ = _scan_file(path.parent, path.name, {}, declared, limits)
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
    tensors: set[str] = set()
    sizes = {name: (path / name).stat().st_size for name in names}
    for name in names:
        hexed, found, named = _scan_file(path, name, sizes, declared, limits)
        findings += found
        tensors |= {_folder(name) + one for one in named}
        if name != SIGNATURE_FILE:
            hashed.append((name, hexed))
    if not hashed:
        raise CannotDecide("nothing to scan", str(path), "an artefact needs at least one file")
    findings = [one for one in findings if not (one.kind is Kind.UNRECOGNISED and one.file in tensors)]
    return Report(files=names, findings=tuple(findings), canary_found=True, digest=root_of(hashed))


def _check_canaries(declared: Declared, limits: Limits) -> None:
    missed = missed_canaries(declared, limits)
    if missed:
        raise ShipworthyError(f"the scanner missed {', '.join(missed)}", "artefact scan", "do not trust this build")


def _folder(name: str) -> str:
    """The folder part of a relative name, with its slash."""
    return name[: name.rfind("/") + 1]


def _beside(name: str, sizes: Mapping[str, int]) -> Mapping[str, int]:
    """The files of the folder that `name` is in, named as from there. Only tensor files of ONNX models ask for them."""
    folder = _folder(name)
    return {one.removeprefix(folder): size for one, size in sizes.items() if one.startswith(folder) and one != name}


def _scan_file(
    path: Path, name: str, sizes: Mapping[str, int], declared: Declared, limits: Limits
) -> tuple[str, tuple[Finding, ...], frozenset[str]]:
    """SHA-256 hex of a file, its findings, and the files its tensors lie in.

    A file over the limit is hashed and not scanned, which is a finding.
    """
    hasher, kept, size = hashlib.sha256(), bytearray(), 0
    for piece in pieces(path / name):
        hasher.update(piece)
        size += len(piece)
        if size <= limits.unpacked_bytes:
            kept += piece
    if size > limits.unpacked_bytes:
        told = f"{size} bytes are too many to scan"
        return hasher.hexdigest(), (unknown(name, Kind.BOMB, told),), frozenset()
    beside = _beside(name, sizes) if kept.startswith(FIRST_BYTE) else {}
    return hasher.hexdigest(), *scan_beside(name, bytes(kept), beside, declared, limits)
