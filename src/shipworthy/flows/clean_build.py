"""Make the artefact folder in a clean folder: the author's command, then what the platform keeps of it.

In: the repository, its contract, the pinned environment. Out: the finished folder (still in the clean room), with what
went into it. `build` and `reproduce` both make it here, so that they cannot drift apart.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from shipworthy.artifact.run.clean_room import Ran, Room, clean_room, last_line, run_fenced
from shipworthy.contract.change import TERMS, build_files, build_terms
from shipworthy.contract.contract import Contract
from shipworthy.contract.manifest import Feature, Manifest
from shipworthy.contract.starter.split import read_copy, source_names
from shipworthy.errors import CannotDecide, ContractError
from shipworthy.facts import UNSEEN, canonical
from shipworthy.flows.model import OpenModel, Row, all_datasets, open_model
from shipworthy.models.child import clean_environment
from shipworthy.profile.base_rates import base_rates
from shipworthy.profile.promise import told
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.thresholds import Thresholds, Words, fit_thresholds, no_thresholds
from shipworthy.runtime.subject import OURS, PROFILE, RELEASE
from shipworthy.stats.design_effect import design_effect

BUILD_LIMIT_S = 3600.0


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A finished artefact folder. `ran` is None when there was no command and the author's folder was taken."""

    room: Path
    folder: Path
    materials: dict[str, str]
    thresholds: Thresholds
    ran: Ran | None


@contextmanager
def made_clean(
    root: Path, contract: Contract, environment: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[Made]:
    """Yield the finished artefact folder, in a clean room that is gone afterwards.

    Raises ContractError when the contract lacks what a build needs, CannotDecide when the command fails.
    """
    manifest = contract.manifest
    rows = all_datasets(root, manifest)
    if not {"train", "calibration"} <= set(rows):
        raise ContractError("no datasets train and calibration", "shipworthy.yaml", "declare them under `datasets:`")
    with clean_room(root, build_files(manifest, contract.files)) as room:
        ran = _run_author(root, room, contract, environment, say)
        folder = room.folder / manifest.artefacts
        for name in OURS:
            (folder / name).unlink(missing_ok=True)
        train, calibration = rows["train"], rows["calibration"]
        say(f"profile of {len(train)} training rows, calibrated on {len(calibration)}")
        profile = msgspec.structs.replace(
            fit_profile(manifest.features, train, calibration, manifest.unit),
            base_rates=base_rates(train, manifest.label.column, _public_keys(manifest)),
        )
        say(told(profile))
        with open_model(room.folder, manifest) as model:
            thresholds = thresholds_of(model, manifest, calibration)
        _write(folder / PROFILE, profile)
        _write(folder / RELEASE, thresholds)
        materials = {**room.materials, TERMS: build_terms(manifest)}
        yield Made(room=room.folder, folder=folder, materials=materials, thresholds=thresholds, ran=ran)


def _run_author(
    root: Path, room: Room, contract: Contract, environment: Mapping[str, str], say: Callable[[str], None]
) -> Ran | None:
    """Run the manifest's build command in the room; without one, take the author's artefact folder as it is."""
    manifest = contract.manifest
    target = room.folder / manifest.artefacts
    if not manifest.build:
        if not (root / manifest.artefacts).is_dir():
            raise ContractError("no build command and no artefact folder", "shipworthy.yaml", "add `build:`")
        shutil.copytree(root / manifest.artefacts, target, symlinks=True, dirs_exist_ok=True)
        return None
    say(f"build: {' '.join(manifest.build)}")
    ran = run_fenced(manifest.build, room.folder, _environment(environment), BUILD_LIMIT_S)
    if ran.code != 0:
        what = f"the build left with {ran.code}: {last_line(ran.told).replace(f'{room.folder}/', '')}"
        raise CannotDecide(what, str(root), _fix(ran, contract, room.materials))
    if not target.is_dir():
        raise CannotDecide(f"the build wrote no {manifest.artefacts}/", str(root), "write it, or name it `artefacts:`")
    if ran.network == "open":
        say("this system allows no fence: the build had a network, and its provenance says so")
    return ran


def _environment(pinned: Mapping[str, str]) -> dict[str, str]:
    """A search path, a locale and the pins; no variable of ours, no key, no home."""
    kept = {name: os.environ[name] for name in ("VIRTUAL_ENV",) if name in os.environ}
    unwritten = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}
    return {**clean_environment(), **kept, **unwritten, **pinned}


def _fix(ran: Ran, contract: Contract, seen: Mapping[str, str]) -> str:
    """The likely mend: a file of the repository that the command speaks of and was not shown."""
    folder = f"{contract.manifest.artefacts}/"
    unseen = [name for name in contract.files if name not in seen]
    hidden = [name for name in unseen if Path(name).name in ran.told or f"'{Path(name).stem}'" in ran.told]
    train = contract.manifest.datasets["train"].path
    for name in hidden:
        if name in source_names(train):
            return read_copy(train)
        if name.startswith(folder):
            return f"a build begins without {folder}: keep what it needs elsewhere, under `code:`"
        return f"a build sees only what belongs to the change: list {name} under `code:`"
    return "fix the build command"


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


def _public_keys(manifest: Manifest) -> dict[str, Feature | None]:
    """Public segment keys with the features that bin them."""
    return {one.key: manifest.feature(one.key) for one in manifest.segments.keys if one.public}


def _label(row: Row, manifest: Manifest) -> int | None:
    value = row.get(manifest.label.column)
    return int(value) if value in (0, 1) else None


def _write(path: Path, fact: msgspec.Struct) -> None:
    path.write_bytes(msgspec.json.format(canonical(fact), indent=1) + b"\n")
