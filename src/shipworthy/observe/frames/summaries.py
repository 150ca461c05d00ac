"""Counts become the windows and labels that live traffic makes, byte for byte.

In: `Counts` of one reference. Out: `WindowSummary`s and `LabelSummary`s of arm `logged`, sorted by key, for each tenant
and for all of them. Of more than 2,000 places the smallest are added to `__other__`, as live, though here it does not
depend on the order of rows which these are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from shipworthy.facts import LAG_BINS, LATENCY_BINS, SCORE_BINS, Digest, LabelSummary, WindowSummary
from shipworthy.observe.frames.columns import Ints
from shipworthy.observe.frames.counts import FLAGS, LABELLED, Counts, Place, Whole
from shipworthy.observe.windows import MOST_LIVE_KEYS, other_of

ARM = "logged"
_SCORES = len(FLAGS)
_OOD_P = _SCORES + SCORE_BINS


@dataclass(frozen=True, slots=True)
class Reference:
    """What full windows are counted against: the fingerprint of the cells, and how many features and cells."""

    reference: Digest
    features: int
    width: int


@dataclass(frozen=True, slots=True)
class Summaries:
    """Windows and labels by key; `folded`: places that became `__other__`."""

    windows: tuple[WindowSummary, ...]
    labels: tuple[LabelSummary, ...]
    folded: int


def summaries(counts: Counts, of: Reference, most: int = MOST_LIVE_KEYS) -> Summaries:
    """Return the windows and labels of everything that was counted."""
    slim, labels = _all_tenants(counts.slim), _all_tenants(counts.labels)
    full = _everybody(counts.full)
    slim, labels, folded = _folded(slim, labels, most)
    windows = [_window(place, slim[place], full, counts.sketches, of) for place in sorted(slim, key=_order)]
    told = [_label(place, labels[place]) for place in sorted(labels, key=_order)]
    return Summaries(tuple(windows), tuple(told), folded)


def _order(place: Place) -> tuple[str, str, str, int]:
    return place


def _all_tenants(held: dict[Place, Ints]) -> dict[Place, Ints]:
    made = dict(held)
    sums: dict[Place, Ints] = {}
    for (version, _, segment, minute), counts in held.items():
        place = (version, "*", segment, minute)
        sums[place] = sums[place] + counts if place in sums else counts
    return {**made, **sums}


def _everybody(held: dict[Whole, Ints]) -> dict[Whole, Ints]:
    sums: dict[Whole, Ints] = {}
    for (version, _, minute), counts in held.items():
        whole = (version, "*", minute)
        sums[whole] = sums[whole] + counts if whole in sums else counts
    return {**held, **sums}


def _folded(
    slim: dict[Place, Ints], labels: dict[Place, Ints], most: int
) -> tuple[dict[Place, Ints], dict[Place, Ints], int]:
    sizes: Counter[tuple[str, str, str]] = Counter()
    for (version, tenant, segment, _), counts in slim.items():
        sizes[version, tenant, segment] += int(counts[0])
    if len(sizes) <= most:
        return slim, labels, 0
    kept = {key for key in sizes if key[2] == "*"}
    rest = sorted((key for key in sizes if key not in kept), key=lambda key: (-sizes[key], key))
    kept |= set(rest[: max(0, most - len(kept))])

    def moved(held: dict[Place, Ints]) -> dict[Place, Ints]:
        made: dict[Place, Ints] = {}
        for (version, tenant, segment, minute), counts in held.items():
            there = segment if (version, tenant, segment) in kept else other_of(segment)
            place = (version, tenant, there, minute)
            made[place] = made[place] + counts if place in made else counts
        return made

    return moved(slim), moved(labels), len(sizes) - len(kept)


def _window(
    place: Place, counts: Ints, full: dict[Whole, Ints], sketches: dict[Whole, Ints], of: Reference
) -> WindowSummary:
    version, tenant, segment, minute = place
    told = counts.tolist()
    vectors = _vectors(full[version, tenant, minute], of) if segment == "*" else {}
    if segment == "*" and tenant != "*" and (version, tenant, minute) in sketches:
        vectors["hitters"] = tuple(sketches[version, tenant, minute].tolist())
    return WindowSummary(
        version=version,
        arm=ARM,
        tenant=tenant,
        segment=segment,
        minute=minute,
        reference=of.reference,
        scores=tuple(told[_SCORES:_OOD_P]),
        ood_p=tuple(told[_OOD_P:]),
        **dict(zip(FLAGS, told, strict=False)),
        **vectors,
    )


def _vectors(counts: Ints, of: Reference) -> dict[str, Any]:
    ends = np.cumsum([LATENCY_BINS, SCORE_BINS, SCORE_BINS, of.features, of.width])
    names = ("latency", "sum_p", "sum_pq", "worst", "cells", "joint")
    return {name: tuple(part.tolist()) for name, part in zip(names, np.split(counts, ends), strict=True)}


def _label(place: Place, counts: Ints) -> LabelSummary:
    version, tenant, segment, minute = place
    bins = [tuple(part.tolist()) for part in np.split(counts[: 4 * SCORE_BINS], 4)]
    machine, wrong, n = counts[4 * SCORE_BINS : LABELLED].tolist()
    return LabelSummary(
        version=version,
        arm=ARM,
        tenant=tenant,
        segment=segment,
        minute=minute,
        n=bins[0],
        positives=bins[1],
        sum_p=bins[2],
        sum_pq=bins[3],
        machine=machine,
        machine_wrong=wrong,
        lag=(n, *(0,) * (LAG_BINS - 1)),
    )
