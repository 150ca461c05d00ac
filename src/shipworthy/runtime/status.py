"""What a running gateway says of itself: state, judgements and quality by segment, as plain values.

Read-only and without raw values; numbers that cannot be judged are shown as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shipworthy.contract.manifest import SegmentKey
from shipworthy.facts import Scope
from shipworthy.observe.labels import matured_before
from shipworthy.observe.measure_labels import Matured
from shipworthy.observe.minutes import minute_of
from shipworthy.observe.segment_table import segment_table
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.live import Live
from shipworthy.runtime.releases import Loaded


def status(
    controller: Controller, live: Live, releases: Mapping[str, Loaded], pids: Mapping[str, int]
) -> dict[str, Any]:
    """Return the whole status as builtins."""
    told = {
        "at": controller.clock().isoformat(),
        "judged_until": controller.judged_until,
        "acting": controller.act,
        "broken": live.broken,
        "state": live.state,
        "versions": sorted(releases),
        "pids": dict(pids),
        "judgements": controller.judgements,
        "stage": controller.rolling.shown,
        "lies": controller.lies,
        "alarms": controller.repeats.alarms(),
        "alarm_budget": controller.levels.told(),
        "labels": controller.telemetry.kept.labelled(),
        "bounds_met": controller.telemetry.bounds_met(),
    }
    plain: dict[str, Any] = msgspec.to_builtins(told)
    return plain


def quality(controller: Controller, one: Loaded, shadow: bool, floor: float, target: float) -> list[dict[str, Any]]:
    """Return AUROC and calibration error by segment of one version, pooled row last; thin segments say no data.

    `shadow` counts what the version scored without answering as well, under an order or not.
    """
    manifest = one.contract.manifest
    now = minute_of(controller.clock())
    scope = Scope(model=manifest.model, version=one.version)
    end = matured_before(now, manifest.label.matured_after)
    start = controller.since.get(one.version, now)
    labels = controller.telemetry.labels(one.version)
    segments = sorted({label.segment for label in labels if _single(label.segment, manifest.segments.keys)})
    asked = Matured(scope, start - start % 60, max(start, end), now, shadow, shadow)
    rows = segment_table(labels, segments, asked, floor, target)
    return [msgspec.to_builtins(_row(row)) for row in rows if row.n or row.segment == "*"]


def _row(row: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "segment": row.segment,
        "n": row.n,
        "auroc": row.auroc,
        "auroc_outcome": row.auroc_outcome,
        "ece": row.ece,
        "ece_outcome": row.ece_outcome,
    }


def _single(segment: str, keys: tuple[SegmentKey, ...]) -> bool:
    return segment != "*" and ";" not in segment and segment.partition("=")[0] in {key.key for key in keys}
