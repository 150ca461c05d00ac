"""Build a release: run the author's build command, then add what the platform keeps of it.

In: the repository. Out: the artefact folder with the author's files, the reference profile of the inputs
(`profile.json`) and the thresholds with their proof (`release.json`). Same inputs, same bytes. The build command runs
without keys and with single-threaded numerics.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.contract.manifest import Manifest
from shipworthy.errors import CannotDecide, ContractError
from shipworthy.facts import UNSEEN, canonical
from shipworthy.flows.model import OpenModel, Row, all_datasets, open_model
from shipworthy.models.child import clean_environment
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.thresholds import Thresholds, Words, fit_thresholds, no_thresholds
from shipworthy.runtime.subject import PROFILE, RELEASE, artefact_digest
from shipworthy.runtime.workspace import Workspace
from shipworthy.stats.design_effect import design_effect

BUILD_LIMIT_S = 3600.0


def build(workspace: Workspace, say: Callable[[str], None]) -> dict[str, Any]:
    """Build the artefact folder. Returns its digest and the thresholds. Raises CannotDecide when the command fails."""
    contract = workspace.contract()
    root, manifest = workspace.root, contract.manifest
    folder = root / manifest.artefacts
    run_build(root, manifest, say)
    _remove(folder, PROFILE, RELEASE, "model.sig")
    rows = all_datasets(root, manifest)
    if not {"train", "calibration"} <= set(rows):
        raise ContractError("no datasets train and calibration", "shipworthy.yaml", "declare them under `datasets:`")
    train, calibration = rows["train"], rows["calibration"]
    say(f"profile of {len(train)} training rows, calibrated on {len(calibration)}")
    profile = fit_profile(manifest.features, train, calibration)
    with open_model(root, manifest) as model:
        thresholds = thresholds_of(model, manifest, calibration)
    _write(folder / PROFILE, profile)
    _write(folder / RELEASE, thresholds)
    for bucket in thresholds.buckets:
        say(f"thresholds {bucket.feature}: deny at or below {bucket.deny}, approve at or above {bucket.approve}")
    return {"artefact": artefact_digest(folder), "thresholds": thresholds}


def run_build(root: Path, manifest: Manifest, say: Callable[[str], None]) -> None:
    """Run the manifest's build command in the repository; without one the artefact folder must exist already."""
    if not manifest.build:
        if not (root / manifest.artefacts).is_dir():
            raise ContractError("no build command and no artefact folder", "shipworthy.yaml", "add `build:`")
        return
    command = [sys.executable if word in ("python", "python3") else word for word in manifest.build]
    say(f"build: {' '.join(manifest.build)}")
    environment = clean_environment() | {"PYTHONHASHSEED": "0", "HOME": str(root / ".shipworthy")}
    if "VIRTUAL_ENV" in os.environ:
        environment["VIRTUAL_ENV"] = os.environ["VIRTUAL_ENV"]
    ran = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=BUILD_LIMIT_S, check=False
    )
    if ran.returncode != 0:
        told = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["no output"]
        raise CannotDecide(f"the build left with {ran.returncode}: {told[0]}", str(root), "fix the build command")


def thresholds_of(model: OpenModel, manifest: Manifest, rows: Sequence[Row]) -> Thresholds:
    """Return the thresholds that the calibration rows prove, known rows and one bucket per hidden feature.

    Without `review:` nobody said how many wrong answers are accepted. At low stakes every answer then goes to a person;
    above them that is a ContractError.
    """
    words = Words(deny=manifest.decisions.deny, approve=manifest.decisions.approve, review=manifest.decisions.review)
    labels = [_label(row, manifest) for row in rows]
    scores = model.rows(rows).scores
    if manifest.review is None:
        if manifest.stakes != "low":
            raise ContractError("no review bounds", "shipworthy.yaml", "add `review:` with denied and approved")
        return no_thresholds(scores, labels, words)
    hidden = {
        feature: (model.rows([{**row, feature: UNSEEN} for row in rows]).scores, labels)
        for feature in manifest.review.buckets
    }
    effect = 1.0
    if manifest.unit is not None:
        effect = design_effect(
            [
                0.0 if p is None or y is None else float((p >= 0.5) != bool(y))
                for p, y in zip(scores, labels, strict=True)
            ],
            [str(row.get(manifest.unit)) for row in rows],
        )
    return fit_thresholds(scores, labels, hidden, manifest.review, words, design_effect=effect)


def _label(row: Row, manifest: Manifest) -> int | None:
    value = row.get(manifest.label.column)
    return int(value) if value in (0, 1) else None


def _write(path: Path, fact: msgspec.Struct) -> None:
    path.write_bytes(msgspec.json.format(canonical(fact), indent=1) + b"\n")


def _remove(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
