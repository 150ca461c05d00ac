"""What a full window counts beside the plain numbers: times, sums of scores, inputs, and what explained each flag.

In: events with their rows, many at once. Out: vectors of integers by the names of `WindowSummary`, of each tenant and
of all together, who are their sum. Hashed values stay with their tenant: each has its own key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.facts import LATENCY_BINS, SCORE_BINS, Event
from shipworthy.observe import hitters
from shipworthy.observe.bins import Ints, latency_bins, score_bins, score_sums
from shipworthy.observe.inputs import Hashed, InputCounts, Inputs
from shipworthy.observe.table import Table
from shipworthy.profile.rows import Row

Key = tuple[str, str, str, int]  # version, arm, tenant, minute
KeyedHash = Callable[[str, int], Hashed]
Vectors = dict[str, tuple[int, ...]]
ALL = "*"


class Plain:
    """Times and sums of scores. Single thread."""

    def __init__(self) -> None:
        self._counts: Table[Key] = Table(LATENCY_BINS + 2 * SCORE_BINS)

    def add(self, keys: Sequence[Key], events: Sequence[Event]) -> None:
        """Count each event under its key."""
        at = self._counts.rows_of(keys)
        took_ms = [event.took_ms for event in events]
        told = [number for number, one in enumerate(took_ms) if one is not None]
        times = np.array([one for one in took_ms if one is not None], dtype=np.float64)
        self._counts.add(at[told], latency_bins(times))
        score = np.array([event.score for event in events], dtype=np.float64)  # None becomes NaN
        bins = score_bins(score)
        known = bins >= 0
        sum_p, sum_pq = score_sums(score[known])
        self._counts.add(at[known], LATENCY_BINS + bins[known], sum_p)
        self._counts.add(at[known], LATENCY_BINS + SCORE_BINS + bins[known], sum_pq)

    def add_sums(self, key: Key, sum_p: Ints, sum_pq: Ints) -> None:
        """Count many events without a time at once, by the sums of their scores."""
        self._counts.add_row(self._counts.row(key), np.concatenate([np.zeros(LATENCY_BINS, np.int64), sum_p, sum_pq]))

    def close(self, before: int) -> dict[Key, Vectors]:
        """Return and forget the minutes before this one, with the sums of all tenants."""
        told: dict[Key, Vectors] = {}
        closed = [key for key in self._counts if key[3] < before]
        for key, counts in _taken(self._counts, closed):
            plain = counts.tolist()
            told[key] = {
                "latency": tuple(plain[:LATENCY_BINS]),
                "sum_p": tuple(plain[LATENCY_BINS : LATENCY_BINS + SCORE_BINS]),
                "sum_pq": tuple(plain[LATENCY_BINS + SCORE_BINS :]),
            }
        return told


class Watched:
    """Inputs of one version, and the features that explained its flags. Single thread."""

    def __init__(self, inputs: Inputs, hashed: KeyedHash | None) -> None:
        """`hashed(tenant, minute)` gives the keyed hash of unseen values; without it they are only counted."""
        self.inputs = inputs
        self._hashed = hashed
        self._cells: Table[Key] = Table(inputs.width + inputs.joint_width)
        self._blamed: Table[Key] = Table(len(inputs.features))
        self._feature = {name: at for at, name in enumerate(inputs.features)}
        self._sketches: dict[Key, Ints] = {}

    def add(self, keys: Sequence[Key], rows: Sequence[Row]) -> None:
        """Count each row under its key."""
        columns, sent = self.inputs.columns(rows)
        at = self._cells.rows_of(keys)
        self._cells.add(at, self.inputs.places(columns))
        self._cells.add(at, self.inputs.width + self.inputs.joint_places(columns))
        if self._hashed is None:
            return
        for row, which, value in self.inputs.unseen(columns, sent):
            key, words = keys[row], self.inputs.words
            hitters.count(self._sketch(key), which, self._hashed(key[2], key[3])(words[which].name, value))

    def add_counts(self, key: Key, counts: InputCounts) -> None:
        """Add the counts of many rows under one key."""
        self._cells.add_row(self._cells.row(key), np.concatenate([counts.cells, counts.joint]))
        if counts.unseen is not None:
            self._sketch(key)[:] += counts.unseen

    def blame(self, key: Key, feature: str, times: int = 1) -> None:
        """Count a feature that explains a flag."""
        if feature in self._feature:
            self._blamed.add(self._blamed.rows_of([key]), np.array([self._feature[feature]]), times)

    def close(self, keys: Sequence[Key]) -> dict[Key, Vectors]:
        """Return and forget what was counted under some keys, with the sums of all tenants."""
        nothing: Vectors = {"worst": (0,) * len(self._feature)}
        told = {key: dict(nothing) for each in keys for key in (each, everybody(each))}
        for key, counts in _taken(self._blamed, [key for key in keys if key in self._blamed]):
            told[key]["worst"] = tuple(counts.tolist())
        for key, counts in _taken(self._cells, [key for key in keys if key in self._cells]):
            plain, width = counts.tolist(), self.inputs.width
            told[key] |= {"cells": tuple(plain[:width]), "joint": tuple(plain[width:])}
            if key in self._sketches:
                told[key]["hitters"] = tuple(self._sketches.pop(key).tolist())
        return told

    def _sketch(self, key: Key) -> Ints:
        return self._sketches.setdefault(key, hitters.empty(len(self.inputs.words)))


@dataclass(frozen=True, slots=True)
class Full:
    """One full window, for whoever counts many events of it at once. `hashed`: the keyed hash of its unseen values."""

    key: Key
    plain: Plain
    watched: Watched | None
    hashed: Hashed | None

    def add_sums(self, sum_p: Ints, sum_pq: Ints, worst: Mapping[str, int]) -> None:
        """Add what events without a time sum up to; `worst`: how often each feature explained a flag."""
        self.plain.add_sums(self.key, sum_p, sum_pq)
        if self.watched is not None:
            for feature, times in worst.items():
                self.watched.blame(self.key, feature, times)

    def add_inputs(self, counts: InputCounts) -> None:
        """Add the counts of many rows; nothing where no inputs are counted."""
        if self.watched is not None:
            self.watched.add_counts(self.key, counts)


class Wholes:
    """The full windows of the open minutes. Single thread."""

    def __init__(self, hashed: KeyedHash | None = None) -> None:
        self._hashed = hashed
        self._plain = Plain()
        self._of: dict[str, Watched] = {}

    def watch(self, version: str, inputs: Inputs) -> None:
        """Count the inputs of a version from now on; what was counted in cells of another reference is dropped."""
        known = self.inputs(version)
        if known is None or known.reference != inputs.reference:
            self._of[version] = Watched(inputs, self._hashed)

    def full(self, key: Key) -> Full:
        """Return the window of a key."""
        hashed = None if self._hashed is None else self._hashed(key[2], key[3])
        return Full(key, self._plain, self._of.get(key[0]), hashed)

    def inputs(self, version: str) -> Inputs | None:
        """Return what the inputs of a version are counted by."""
        watched = self._of.get(version)
        return None if watched is None else watched.inputs

    def add(self, keys: Sequence[Key], events: Sequence[Event], rows: Sequence[Row | None]) -> None:
        """Count events under their keys, each with its row; None counts no inputs."""
        self._plain.add(keys, events)
        given: defaultdict[str, tuple[list[Key], list[Row]]] = defaultdict(lambda: ([], []))
        for key, event, row in zip(keys, events, rows, strict=True):
            watched = self._of.get(key[0])
            if watched is None:
                continue
            if row is not None:
                mine = given[key[0]]
                mine[0].append(key)
                mine[1].append(row)
            if event.ood_flag and event.ood_feature:
                watched.blame(key, event.ood_feature)
        for version, (of, sent) in given.items():
            self._of[version].add(of, sent)

    def close(self, before: int) -> dict[Key, Vectors]:
        """Return and forget the minutes before this one, with the sums of all tenants."""
        told = self._plain.close(before)
        for version, watched in self._of.items():
            mine = [key for key in told if key[0] == version]
            for key, vectors in watched.close(mine).items():
                told[key] |= vectors
        return told


def everybody(key: Key) -> Key:
    """Return the key of all tenants together."""
    version, arm, _, minute = key
    return version, arm, ALL, minute


def _taken(table: Table[Key], keys: Sequence[Key]) -> Iterator[tuple[Key, Ints]]:
    """Take some keys out of a table: the counts of each, and their sums over all tenants."""
    own = dict(zip(keys, table.counts(keys), strict=True))
    sums: dict[Key, Ints] = {}
    for key, counts in own.items():
        whole = everybody(key)
        sums[whole] = sums[whole] + counts if whole in sums else counts
    table.forget(keys)
    return iter({**own, **sums}.items())
