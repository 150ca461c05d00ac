"""Decisions of one version, made at once, counted into the windows of a gateway: as if they had come one by one.

In: columns of a batch, with the place (tenant, segments, groups) of each row. Out: the collector's cells, byte for byte
those of single events without a time to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.facts import OOD_P_BINS, SCORE_BINS
from shipworthy.observe.bins import p_bins, score_bins
from shipworthy.observe.collector import Collector
from shipworthy.observe.frames.columns import Floats, Frame, Ints, Marks, Places
from shipworthy.observe.frames.counts import group_sums
from shipworthy.observe.frames.inputs import FrameInputs
from shipworthy.observe.full import Full
from shipworthy.observe.inputs import Hashed, InputCounts
from shipworthy.observe.windows import COUNTS


@dataclass(frozen=True, slots=True)
class Decided:
    """`n` decisions of one version, arm and minute. `places`: (tenant, its segments and groups), of which `place` names
    one a row. `says`: which rows count as each of COUNTS but `n`; what is not named is said of none. `score`: NaN =
    none. `feature`: the place in `features` of what explains a flag, -1 for nothing."""

    version: str
    arm: str
    minute: int
    places: Sequence[tuple[str, tuple[str, ...]]]
    place: Places
    score: Floats
    p: Floats
    flag: Marks
    feature: Places
    features: Sequence[str]
    says: Mapping[str, Marks]


def add_decided(
    collector: Collector, rows: Decided, inputs: FrameInputs | None = None, frame: Frame | None = None
) -> None:
    """Count decisions, and the inputs of `frame` when there is a counter of them."""
    if not rows.place.size:
        return
    minute = collector.minute_of(rows.minute, rows.place.size)
    sums: dict[tuple[str, str], Ints] = {}
    for (tenant, segments), counts in zip(rows.places, _table(rows), strict=True):
        if counts[0]:
            for whose in dict.fromkeys(("*", tenant)):
                for segment in dict.fromkeys(("*", *segments)):
                    have = sums.get((whose, segment))
                    sums[whose, segment] = counts if have is None else have + counts
    for (whose, segment), counts in sums.items():
        collector.count(rows.version, rows.arm, whose, segment, minute, counts)
    _add_full(collector, rows, minute, inputs, frame)


def _table(rows: Decided) -> Ints:
    """The counts of each place: int64[places, WIDTH]."""
    groups = len(rows.places)
    parts = [np.bincount(rows.place, minlength=groups)[:, None]]
    for name in COUNTS[1:]:
        said = rows.says.get(name)
        counted = np.zeros(groups, dtype=np.intp) if said is None else np.bincount(rows.place[said], minlength=groups)
        parts.append(counted[:, None])
    bins = score_bins(rows.score)
    told = bins >= 0
    parts.append(_by_bin(rows.place[told], bins[told], groups, SCORE_BINS))
    parts.append(_by_bin(rows.place, p_bins(rows.p), groups, OOD_P_BINS))
    return np.concatenate(parts, axis=1).astype(np.int64)


def _by_bin(place: Places, bins: Places, groups: int, width: int) -> Ints:
    return np.bincount(place * width + bins, minlength=groups * width).reshape(groups, width)


def _add_full(
    collector: Collector, rows: Decided, minute: int, inputs: FrameInputs | None, frame: Frame | None
) -> None:
    """Times, sums and inputs lie under each tenant alone."""
    tenants = list(dict.fromkeys(tenant for tenant, _ in rows.places))
    at = {tenant: place for place, tenant in enumerate(tenants)}
    of = np.array([at[tenant] for tenant, _ in rows.places], dtype=np.intp)[rows.place]
    sizes = np.bincount(of, minlength=len(tenants))
    fulls = {
        place: collector.full(rows.version, rows.arm, tenants[place], minute)
        for place in np.flatnonzero(sizes).tolist()
    }
    sum_p, sum_pq = group_sums(rows.score, of, len(tenants))
    told = rows.flag & (rows.feature >= 0)
    worst = _by_bin(of[told], rows.feature[told], len(tenants), max(1, len(rows.features)))
    for place, full in fulls.items():
        named = {rows.features[one]: int(worst[place, one]) for one in np.flatnonzero(worst[place]).tolist()}
        full.add_sums(sum_p[place], sum_pq[place], named)
    if inputs is None or frame is None:
        return
    cells, joint = inputs.count(frame, of, len(tenants))
    counts = {place: InputCounts(cells[place], joint[place]) for place in fulls}
    if all(full.hashed is not None for full in fulls.values()):
        for place, sketch in inputs.sketches(frame, of, lambda place: _hash_of(fulls[place])):
            seen = counts[place].unseen
            counts[place].unseen = sketch if seen is None else seen + sketch
    for place, full in fulls.items():
        full.add_inputs(counts[place])


def _hash_of(full: Full) -> Hashed:
    if full.hashed is None:
        raise ValueError("no keyed hash for unseen values")
    return full.hashed
