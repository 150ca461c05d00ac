"""Logged requests both ways: as events with their rows, and as one frame of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from shipworthy.facts import HEARTBEAT, LabelSummary, WindowSummary
from shipworthy.observe.collector import Collector
from shipworthy.observe.frames.columns import NO_LABEL, Coded, Frame, Ood
from shipworthy.observe.frames.counts import Counts, FrameCounter
from shipworthy.observe.frames.inputs import FrameInputs
from shipworthy.observe.frames.ood import scored
from shipworthy.observe.frames.summaries import ARM, Reference, Summaries, summaries
from shipworthy.observe.inputs import Hashed, inputs_of
from shipworthy.observe.labels import label_summary, merged
from shipworthy.profile.batch import BatchScorer
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row, as_category, as_number, is_missing
from shipworthy.profile.score import Scorer
from shipworthy.profile.shapes import Profile
from tests.observe.made import T0, WORDS, event, receipt
from tests.profile.tables import FEATURES, rows

NUMBERS = ("age", "amount", "paid", "belt", "note")
CATEGORIES = ("supplier", "colour")


@dataclass
class Logged:
    """One line of a log."""

    row: dict[str, Any]
    minute: int = T0
    tenant: str = "acme"
    version: str = "2.0"
    score: float | None = 0.5
    decision: str = "auto_deny"
    route: str = "machine"
    took_ms: float | None = None
    label: int | None = None


@cache
def profile() -> Profile:
    return fit_profile(FEATURES, rows(900, 1), rows(900, 2))


@cache
def scorer() -> Scorer:
    return Scorer(profile())


@cache
def columns_scorer() -> BatchScorer:
    return BatchScorer(profile())


def hashed(tenant: str, minute: int) -> Hashed:
    return lambda feature, value: int.from_bytes(f"{tenant}{feature}{value}".encode().ljust(8, b"x")[-8:], "big")


def frame_of(lines: Sequence[Logged]) -> Frame:
    numbers = {name: _floats([as_number(one.row.get(name)) for one in lines]) for name in NUMBERS}
    return Frame(
        n=len(lines),
        minute=np.array([one.minute for one in lines], dtype=np.int64),
        version=coded([one.version for one in lines]),
        tenant=coded([one.tenant for one in lines]),
        numbers=numbers,
        categories={name: coded([as_category(one.row.get(name)) for one in lines]) for name in CATEGORIES},
        score=_floats([one.score for one in lines]),
        decision=coded([one.decision for one in lines]),
        route=coded([one.route for one in lines]),
        took_ms=_floats([one.took_ms for one in lines]),
        label=np.array([NO_LABEL if one.label is None else one.label for one in lines], dtype=np.int8),
        dimensions=tuple(coded([_segment(key, one.row) for one in lines]) for key in CATEGORIES),
        unseen={name: np.array([name in scorer().unseen(one.row) for one in lines]) for name in CATEGORIES},
        broken={
            name: np.isnan(column) & ~np.array([is_missing(one.row.get(name)) for one in lines])
            for name, column in numbers.items()
        },
    )


def coded(words: Sequence[str | None]) -> Coded:
    places = {word: at for at, word in enumerate(dict.fromkeys(words))}
    return Coded(tuple(places), np.array([places[word] for word in words], dtype=np.intp))


def counted(lines: Sequence[Logged], ood: Callable[[Frame], Ood] | None = None) -> Counts:
    counter = FrameCounter(FrameInputs(profile()), WORDS, hashed)
    if lines:
        frame = frame_of(lines)
        counter.take(frame, scored(columns_scorer(), frame) if ood is None else ood(frame))
    return counter.counts


def told(counts: Counts, most: int = 2000) -> Summaries:
    bins = profile().bins
    assert bins is not None
    return summaries(counts, Reference(bins.fingerprint(), len(bins.features), bins.width), most)


def live(lines: Sequence[Logged]) -> tuple[list[WindowSummary], list[LabelSummary]]:
    """What a gateway counts of the same requests, one by one."""
    one = Collector(T0, hashed=hashed)
    for version in {line.version for line in lines}:
        inputs = inputs_of(profile())
        assert inputs is not None
        one.watch(version, inputs)
    labels: list[LabelSummary] = []
    for line in lines:
        seen = scorer().score(line.row)
        segments = tuple(_segment(key, line.row) for key in CATEGORIES)
        given: dict[str, Any] = {"minute": line.minute, "version": line.version, "arm": ARM, "tenant": line.tenant}
        given |= {"segments": segments, "route": line.route, "decision": line.decision}
        one.add(
            event(
                **given,
                score=line.score,
                took_ms=line.took_ms,
                ood_p=seen.p,
                ood_flag=seen.flag,
                ood_feature=seen.feature,
                unseen=seen.unseen,
            ),
            line.row,
        )
        if line.label is not None:
            labels += label_summary(receipt(line.score, **given), line.label, WORDS)
    windows = [window for window in one.roll(T0 + 70) if window.arm != HEARTBEAT] if lines else []
    return windows, list(merged(labels))


def _segment(key: str, row: Row) -> str:
    seen = scorer().unseen(row)
    return f"{key}={'__unseen__' if key in seen else as_category(row.get(key)) or '__missing__'}"


def _floats(column: Sequence[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)
