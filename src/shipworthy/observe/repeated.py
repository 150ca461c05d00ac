"""Repeats over many requests at once: the same streams in the same state, without a step a request.

In: the streams of a site, and rows: the place (tenant, segments) of each and whether it is flagged. Out: the first
row at which a stream alarms, or the streams after all of them. A stream at its floor does not change by a miss, so
that only flags, and the misses until the floor is reached again, are followed one by one: the evidence is added up in
the order and with the roundings of single requests (`stats.sequential`). Where rows lie among each other in their
streams is a stable sort of small numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.observe.repeats import Key, Repeats, Stream
from shipworthy.stats.sequential import EState, multipliers

Places = NDArray[np.intp]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Requests of one version in their order. `places`: (tenant, segments), of which `place` names one a row, in the
    order in which they come first."""

    version: str
    places: Sequence[tuple[str, tuple[str, ...]]]
    place: Places
    flag: Marks


@dataclass(slots=True)
class _Run:
    """One stream over the rows: where its rows are (places in `order`), which of them are flagged."""

    key: Key
    rows: Places
    hits: Places


def first_alarm(repeats: Repeats, rows: Rows) -> int | None:
    """Return the row at which a stream alarms first, None when none does. Nothing is changed."""
    alarms = [_followed(repeats, _state(repeats, run), run)[1] for run in _runs(repeats, rows)]
    return min((at for at in alarms if at is not None), default=None)


def new_streams(repeats: Repeats, rows: Rows) -> int:
    """Return how many streams these rows would begin. Where they do not fit, requests must be counted one by one."""
    return len({key for keys in _feeds(repeats, rows) for key in keys} - repeats.streams.keys())


def take(repeats: Repeats, rows: Rows) -> None:
    """Count all rows, none of which alarms."""
    runs = list(_runs(repeats, rows))
    _take(repeats, rows, [(run, *_followed(repeats, _state(repeats, run), run)) for run in runs])


def take_calm(repeats: Repeats, rows: Rows) -> int | None:
    """Count all rows when none of them alarms; else change nothing, and return the first that does."""
    told = [(run, *_followed(repeats, _state(repeats, run), run)) for run in _runs(repeats, rows)]
    alarms = [at for _, _, at, _ in told if at is not None]
    if alarms:
        return min(alarms)
    _take(repeats, rows, told)
    return None


def _take(repeats: Repeats, rows: Rows, told: Sequence[tuple[_Run, EState, int | None, int]]) -> None:
    feeds = _feeds(repeats, rows)
    for keys in feeds:
        for key in keys:
            repeats.streams.setdefault(key, Stream())
    sent = np.bincount(rows.place, minlength=len(rows.places))
    for run, state, _, began in told:
        _keep(repeats, state, run, began, rows)
    for (tenant, _), keys, n in zip(rows.places, feeds, sent.tolist(), strict=True):
        for key in keys:
            repeats.streams[key].sent[tenant] += n


def _feeds(repeats: Repeats, rows: Rows) -> list[list[Key]]:
    """The streams that a row of each place feeds, in the order of single requests."""
    return [
        [
            (rows.version, whose, segment)
            for segment in repeats.open_segments(rows.version, tenant, segments)
            for whose in repeats.whose(rows.version, tenant, segment)
        ]
        for tenant, segments in rows.places
    ]


def _runs(repeats: Repeats, rows: Rows) -> Iterator[_Run]:
    """The streams that may change: those with a flagged row, and those that are above their floor."""
    feeds = _feeds(repeats, rows)
    flagged = np.flatnonzero(rows.flag)
    at: dict[Key, list[int]] = {}
    for place, keys in enumerate(feeds):
        for key in keys:
            at.setdefault(key, []).append(place)
    hit = set(rows.place[flagged].tolist())
    wanted = {
        key: places
        for key, places in at.items()
        if not hit.isdisjoint(places) or (key in repeats.streams and repeats.streams[key].state.log_e > 0.0)
    }
    while wanted:  # streams that share no place are told apart by one sort
        together, used = list[Key](), set[int]()
        for key, places in wanted.items():
            if used.isdisjoint(places):
                together.append(key)
                used.update(places)
        yield from _sorted_runs(together, {key: wanted.pop(key) for key in together}, rows)


def _state(repeats: Repeats, run: _Run) -> EState:
    stream = repeats.streams.get(run.key)
    return EState() if stream is None else stream.state


def _sorted_runs(keys: Sequence[Key], places: dict[Key, list[int]], rows: Rows) -> Iterator[_Run]:
    if len(keys) == 1 and len(places[keys[0]]) == len(rows.places):
        yield _Run(keys[0], np.arange(rows.place.size), np.flatnonzero(rows.flag))
        return
    stream_of = np.zeros(len(rows.places), dtype=np.uint8 if len(keys) < 256 else np.uint16)
    for number, key in enumerate(keys, start=1):
        stream_of[places[key]] = number
    numbers = stream_of[rows.place]
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=len(keys) + 1))
    for number, key in enumerate(keys, start=1):
        here = order[ends[number - 1] : ends[number]]
        yield _Run(key, here, np.flatnonzero(rows.flag[here]))


def _followed(repeats: Repeats, state: EState, run: _Run) -> tuple[EState, int | None, int]:
    """(the state after all rows, the row that alarms, the place in the run from which its evidence grows: -1 = it grew
    before)."""
    miss_by, hit_by = (math.log(factor) for factor in multipliers(repeats.null_rate))
    least = -math.log(repeats.level)
    log_e, n, hits, since, began = state.log_e, state.n, state.hits, state.since, -1
    last = -1
    for hit in (*run.hits.tolist(), len(run.rows)):
        for miss in range(last + 1, hit):
            if log_e <= 0.0:
                break
            log_e, n = log_e + miss_by, n + 1
            if log_e >= least and hits >= repeats.min_hits:
                return EState(log_e, n, hits, since), int(run.rows[miss]), began
        if hit == len(run.rows):
            break
        if log_e <= 0.0:
            log_e, n, hits, since, began = 0.0, 0, 0, 0, hit
        log_e, n, hits, last = log_e + hit_by, n + 1, hits + 1, hit
        if log_e >= least and hits >= repeats.min_hits:
            return EState(log_e, n, hits, since), int(run.rows[hit]), began
    return EState(log_e, n, hits, since), None, began


def _keep(repeats: Repeats, state: EState, run: _Run, began: int, rows: Rows) -> None:
    """Leave a stream as single requests would: what its hits were counts from where its evidence began to grow."""
    stream = repeats.streams[run.key]
    if began >= 0:
        repeats.restart(run.key[2], stream)
    repeats.move(run.key[2], stream, state)
    times = Counter(rows.place[run.rows[run.hits[run.hits >= began]]].tolist())
    for place, n in times.items():
        tenant, segments = rows.places[place]
        stream.hits[tenant] += n
        for segment in segments:
            stream.inside[segment] += n
