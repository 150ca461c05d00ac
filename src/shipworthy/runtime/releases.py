"""Load a shipped release: verify it, then hand over what a request needs of it.

In: a release folder (a whole signed repository). Out: a `Loaded` release, or CannotDecide: what the gate has not passed
is not served, unless an override of two people holds at this moment. scikit-learn is never loaded here; the model
itself runs in a process of its own.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from shipworthy.contract.contract import Contract
from shipworthy.deploy.limits import Limits, compile_limits
from shipworthy.deploy.neverevents import compile_never
from shipworthy.deploy.release import Cut, Release
from shipworthy.errors import CannotDecide
from shipworthy.facts import LiveThresholds, Override
from shipworthy.models.child import ModelProcess
from shipworthy.models.spec import columns_of, open_spec
from shipworthy.profile.score import Scorer
from shipworthy.profile.shapes import Profile
from shipworthy.profile.thresholds import Thresholds
from shipworthy.runtime.admission import verify_age
from shipworthy.runtime.overridden import admit
from shipworthy.runtime.subject import PROFILE, RELEASE
from shipworthy.stats.uncertainty import look_up
from shipworthy.store.instants import rfc3339

Told = TypeVar("Told")


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """One admitted version, ready to serve once its model process runs. `override`: what it is let through by."""

    folder: Path
    contract: Contract
    release: Release
    thresholds: Thresholds
    scorer: Scorer
    limits: Limits
    override: Override | None = None

    @property
    def version(self) -> str:
        """Return the version's name."""
        return self.contract.manifest.version

    def cut(self, bucket: str, live: tuple[LiveThresholds, ...]) -> Cut | None:
        """Return the thresholds of a bucket as the gateway names it: what recalibration moved, else the release's."""
        own = self.thresholds.bucket_of([] if bucket == "*" else bucket.split("+"))
        for moved in live:
            if (moved.version, moved.bucket) == (self.version, own):
                return moved
        return next((one for one in self.thresholds.buckets if one.feature == own), None)

    def process(self, log: Path) -> ModelProcess:
        """Return the model's process, not started yet."""
        manifest = self.contract.manifest
        folder = self.folder / manifest.artefacts
        return ModelProcess(folder, open_spec(manifest.adapter), columns_of(manifest.features), log)


def load(folder: Path, now: str = "") -> Loaded:
    """Load and admit the release in `folder`. Raises CannotDecide unless signature and verdict hold.

    A release under an override is admitted only when told the time (RFC 3339), and only while the override holds.
    """
    contract, override = admit(folder, now)
    return opened(folder, contract, override)


def opened(folder: Path, contract: Contract, override: Override | None = None) -> Loaded:
    """Hand over what a request needs of a release that was admitted, or is only rehearsed and answers nobody."""
    manifest = contract.manifest
    artefact = folder / manifest.artefacts
    thresholds = _decoded(artefact / RELEASE, Thresholds)
    scorer = Scorer(_decoded(artefact / PROFILE, Profile))
    release = Release(
        version=manifest.version,
        words=manifest.decisions,
        columns=columns_of(manifest.features),
        scorer=scorer,
        never=compile_never(contract.policy.never_events, manifest.endpoints[0].name),
        uncertainty=lambda score, bucket: look_up(thresholds.uncertainty, score),
        max_uncertainty=thresholds.max_uncertainty,
        fallback=manifest.fallback,
        kill_fallback=manifest.kill_fallback,
        overflow=manifest.review_queue.overflow,
        idempotent=manifest.idempotent,
    )
    limits = compile_limits(manifest.scope_limits, manifest.fallback, manifest.kill_fallback)
    return Loaded(
        folder=folder,
        contract=contract,
        release=release,
        thresholds=thresholds,
        scorer=scorer,
        limits=limits,
        override=override,
    )


def load_to_serve(folder: Path, now: datetime) -> Loaded:
    """As `load`, for a version that begins to serve: a verdict that has expired is refused as well."""
    one = load(folder, rfc3339(now))
    if one.override is None:
        verify_age(one.contract, now)
    return one


def _decoded(path: Path, kind: type[Told]) -> Told:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, strict=True)
    except (OSError, msgspec.MsgspecError) as problem:
        raise CannotDecide(f"cannot be read: {problem}", str(path), "build and ship again") from problem
