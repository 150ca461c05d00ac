"""Read the whole contract and say everything that is wrong with it, at once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.contract.contract import Contract
from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.pack import FILE, read_pack
from shipworthy.contract.problems import Findings, Problem, ordered
from shipworthy.contract.thin import too_thin
from shipworthy.flows.row_counts import RowCounts
from shipworthy.models.spec import ENCODING_ENTRY, ENCODING_FILE


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` found. `exit_code`: 3 when a file is missing or invalid, 4 when the note is of another change."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    not_claimed: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Return the exit code: the least of the problems', 0 without any."""
        return min((problem.exit_code for problem in self.problems), default=0)


def check(root: Path) -> Checked:
    """Check the contract at `root`."""
    contract, problems = read_contract(root)
    if contract is None:
        return Checked(problems=problems, warnings=(), not_claimed=())
    problems = ordered([*problems, *thin(root, contract)])
    warnings = (*contract.warnings, *unencoded(contract))
    return Checked(problems=problems, warnings=warnings, not_claimed=contract.not_claimed)


def thin(root: Path, contract: Contract) -> tuple[Problem, ...]:
    """Return a fault for each deciding case that could never pass on the rows there are."""
    counts = RowCounts(root, contract.manifest, contract.digests)
    found = Findings(FILE, {})
    too_thin(contract.cases, counts.most, found)
    counts.save()
    if not found.problems:
        return ()
    _, reading, _ = read_pack((root / FILE).read_bytes())
    placed = Findings(FILE, reading.marks)
    too_thin(contract.cases, counts.most, placed)
    return placed.problems


def unencoded(contract: Contract) -> tuple[str, ...]:
    """Return a warning where a model lies here without the numbers of its categories: it could not be opened."""
    manifest = contract.manifest
    folder, adapter = manifest.artefacts.strip("/"), manifest.adapter
    categories = [feature.name for feature in manifest.features if feature.type == "category"]
    path = f"{folder}/{adapter.encoding or ENCODING_FILE}"
    here = adapter.kind == "sklearn" and f"{folder}/{adapter.file}" in contract.files
    if not here or not categories or path in contract.files:
        return ()
    shape = ", ".join(f'"{name}": {ENCODING_ENTRY}' for name in categories)
    return (f"no {path}: write it where the model is trained, of the shape {{{shape}}}",)
