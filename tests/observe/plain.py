"""Events counted one by one, the slow and obvious way: what the collector must say of the same events in that order."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec.structs import replace

from shipworthy.facts import (
    FIXED,
    LATENCY_BINS,
    NO_REFERENCE,
    OOD_P_BINS,
    OTHER,
    SCORE_BINS,
    Event,
    WindowSummary,
)
from shipworthy.observe import hitters
from shipworthy.observe.bins import latency_bin
from shipworthy.observe.inputs import Hashed
from shipworthy.observe.windows import HELD, PROBE, RESCUED, SHADOW, Key, Place, other_of
from shipworthy.profile.binned import CategoryCells, NumberCells
from shipworthy.profile.bins import InputBins
from shipworthy.profile.rows import Row, as_category, as_number
from shipworthy.profile.shapes import Profile

DAY = 24 * 60


@dataclass
class Full:
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    worst: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    unseen: list[int] | None = None


@dataclass
class OneByOne:
    """Windows of one minute after another; `most`, `most_of_tenants`: places with room of their own."""

    start: int
    most: int
    most_of_tenants: int
    profiles: dict[str, Profile]
    hashed: Callable[[str, int], Hashed]
    apart: set[tuple[str, str]] = field(default_factory=set)
    spilled: int = 0
    skewed: int = 0

    def windows(self, given: Iterable[tuple[Event, Row | None]], now: int) -> list[WindowSummary]:
        self.live: set[Place] = set()
        self.slim: defaultdict[Key, Counter[tuple[str, int]]] = defaultdict(Counter)
        self.full: defaultdict[Key, Full] = defaultdict(Full)
        for event, row in given:
            self.add(event, row)
        keys = sorted(key for key in self.slim if key[4] < now)
        return [self.summary(key) for key in keys]

    def add(self, event: Event, row: Row | None) -> None:
        if not self.start - 31 * DAY <= event.minute <= self.start + DAY:
            self.skewed += 1
            event = replace(event, minute=self.start)
        arm = PROBE if event.probe is not None else event.arm
        if event.replayed and arm not in (PROBE, SHADOW, HELD):
            arm = RESCUED
        shown = Counter(shown_by(event))
        for tenant in dict.fromkeys(("*", event.tenant)):
            for segment in dict.fromkeys(("*", *event.segments, *event.groups)):
                self.slim[(*self.place((event.version, arm, tenant, segment)), event.minute)].update(shown)
        if arm == PROBE:
            return
        own = event.tenant if (event.version, arm, event.tenant, "*") in self.live else OTHER
        for tenant in ("*", own):
            full = self.full[event.version, arm, tenant, "*", event.minute]
            full.counts.update(told_by(event))
            if event.ood_flag and event.ood_feature:
                full.worst[event.ood_feature] += 1
            if row is not None and event.version in self.profiles:
                self.add_row(full, self.profiles[event.version], row, tenant, event.minute)

    def add_row(self, full: Full, profile: Profile, row: Row, tenant: str, minute: int) -> None:
        assert profile.bins is not None
        full.rows += 1
        full.counts.update(cells_of(profile, profile.bins, row))
        for at, one in enumerate(profile.bins.categories):
            value = as_category(row.get(one.name))
            if value is not None and value not in one.values and value not in one.known and tenant != "*":
                sketch = np.array(full.unseen or hitters.empty(len(profile.bins.categories)))
                hitters.count(sketch, at, self.hashed(tenant, minute)(one.name, value))
                full.unseen = sketch.tolist()

    def place(self, place: Place) -> Place:
        version, arm, tenant, segment = place
        if place not in self.live:
            of_tenants = sum(one[2] != "*" for one in self.live)
            always = tenant == "*" and (segment == "*" or (version, segment) in self.apart)
            crowded = tenant != "*" and of_tenants >= self.most_of_tenants
            if not always and (len(self.live) >= self.most or crowded):
                self.spilled += 1
                place = (version, arm, tenant if tenant == "*" else OTHER, other_of(segment))
            self.live.add(place)
        return place

    def summary(self, key: Key) -> WindowSummary:
        version, arm, tenant, segment, minute = key
        counts = self.slim[key]
        profile = self.profiles.get(version)
        bins = None if profile is None else profile.bins
        plain: dict[str, Any] = {name: n for (name, _), n in counts.items() if name.startswith("n")}
        made = WindowSummary(
            version=version,
            arm=arm,
            tenant=tenant,
            segment=segment,
            minute=minute,
            reference=NO_REFERENCE if bins is None else bins.fingerprint(),
            shards_expected=1,
            shards_seen=int(minute >= self.start),
            scores=listed(counts, "score", SCORE_BINS),
            ood_p=listed(counts, "ood_p", OOD_P_BINS),
            **plain,
        )
        if key not in self.full:
            return made
        full = self.full[key]
        names = ("latency", LATENCY_BINS), ("sum_p", SCORE_BINS), ("sum_pq", SCORE_BINS)
        made = replace(made, **{name: listed(full.counts, name, width) for name, width in names})
        if bins is not None:
            made = replace(made, worst=tuple(full.worst[one.name] for one in bins.features))
        if bins is not None and bins.joint is not None and full.rows:
            cells = tuple(n for one in bins.features for n in listed(full.counts, one.name, len(one.counts)))
            joint = listed(full.counts, "joint", len(bins.joint.counts))
            made = replace(made, cells=cells, joint=joint, hitters=tuple(full.unseen or ()))
        return made


def shown_by(event: Event) -> Iterable[tuple[str, int]]:
    said = {
        "n": True,
        "n_ood": event.ood_flag,
        "n_unseen": event.unseen,
        "n_review": event.route == "person",
        "n_machine": event.route == "machine",
        "n_failed": event.failed,
        "n_replayed": event.replayed,
        "n_never": event.never,
        "n_leaked": event.leaked,
        "n_unknown": event.unknown,
        "n_degraded": event.degraded,
        "n_disagreed": event.disagrees,
    }
    yield from ((name, 0) for name, true in said.items() if true)
    if event.score is not None and 0.0 <= event.score <= 1.0:
        yield "score", min(int(event.score * SCORE_BINS), SCORE_BINS - 1)
    known = 0.0 < event.ood_p <= 1.0
    yield "ood_p", min(int(-4.0 * math.log10(event.ood_p)), OOD_P_BINS - 1) if known else OOD_P_BINS - 1


def told_by(event: Event) -> dict[tuple[str, int], int]:
    told = {} if event.took_ms is None else {("latency", latency_bin(event.took_ms)): 1}
    if event.score is not None and 0.0 <= event.score <= 1.0:
        at = min(int(event.score * SCORE_BINS), SCORE_BINS - 1)
        told["sum_p", at] = round(event.score * FIXED)
        told["sum_pq", at] = round(event.score * (1.0 - event.score) * FIXED)
    return told


def cells_of(profile: Profile, bins: InputBins, row: Row) -> Iterable[tuple[str, int]]:
    numbers = {one.name: as_number(row.get(one.name)) for one in bins.numbers}
    for number in bins.numbers:
        value = numbers[number.name]
        alone = NumberCells(number).count(np.array([math.nan if value is None else value]))
        yield number.name, int(alone.argmax())
    words = {one.name: as_category(row.get(one.name)) for one in bins.categories}
    for category in bins.categories:
        yield category.name, int(CategoryCells(category).count([words[category.name]]).argmax())
    places = {one.name: one.places for one in profile.categories}
    standing = {name: at.get(words[name] or "") for name, at in places.items() if at and name in words}
    yield from (("joint", place) for place in joint_of(profile, bins, {**numbers, **standing}))


def joint_of(profile: Profile, bins: InputBins, numbers: dict[str, float | None]) -> Iterable[int]:
    assert bins.joint is not None
    covariance = profile.covariance
    standard = []
    for name, mean, scale in zip(covariance.names, covariance.mean, covariance.scale, strict=True):
        value = numbers[name]
        standard.append(0.0 if value is None else (value - mean) / scale)
    white = [min(max(summed(weights, standard), -1e9), 1e9) for weights in covariance.whitening]
    shown = [summed(white, white), *(summed(weights, white) for weights in bins.joint.directions)]
    first = 0
    for cuts, value in zip((bins.joint.distance, *bins.joint.cuts), shown, strict=True):
        yield first + bisect_right(cuts, value)
        first += len(cuts) + 1


def summed(weights: Sequence[float], values: Sequence[float]) -> float:
    total = 0.0
    for weight, value in zip(weights, values, strict=True):
        if weight != 0.0:
            total += weight * value
    return total


def listed(counts: Counter[tuple[str, int]], name: str, width: int) -> tuple[int, ...]:
    return tuple(counts[name, at] for at in range(width))
