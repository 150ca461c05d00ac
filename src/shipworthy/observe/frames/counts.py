"""What a log shows, as integers that add up: by version, tenant, segment and period.

In: frames with their OOD scores. Out: `Counts`, exact and the same in any order and split, so that files can be counted
anywhere and added. `summaries` makes windows and labels of them. All tenants together are the sum of the tenants.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from shipworthy.contract.manifest import Decisions
from shipworthy.errors import UsageError
from shipworthy.facts import FIXED, LATENCY_BINS, OOD_P_BINS, SCORE_BINS
from shipworthy.observe.bins import latency_bins, p_bins, score_bins, score_sums
from shipworthy.observe.frames.columns import NO_LABEL, Floats, Frame, Ints, Marks, Ood, Places
from shipworthy.observe.frames.inputs import FrameInputs
from shipworthy.observe.inputs import Hashed
from shipworthy.stats.ranked import ranked

FLAGS = ("n", "n_ood", "n_unseen", "n_review", "n_machine")
SLIM = len(FLAGS) + SCORE_BINS + OOD_P_BINS
LABELLED = 4 * SCORE_BINS + 3  # n, positives, sum_p, sum_pq; machine, machine_wrong, labels
UNTOLD = ("score", "route", "took_ms", "label", "ood")
PERSON, MACHINE = "person", "machine"
MOST_CELLS = 64_000_000  # counts of all full windows together
MOST_KEYS = 400_000

Place = tuple[str, str, str, int]  # version, tenant, segment, minute
Whole = tuple[str, str, int]  # version, tenant, minute
KeyedHash = Callable[[str, int], Hashed]
Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Counts:
    """`slim` and `labels` by place, `full` and `sketches` by (version, tenant, minute), tenants one by one; `untold`:
    by (version, minute) how many rows did not say each of UNTOLD."""

    slim: dict[Place, Ints] = field(default_factory=dict)
    labels: dict[Place, Ints] = field(default_factory=dict)
    full: dict[Whole, Ints] = field(default_factory=dict)
    sketches: dict[Whole, Ints] = field(default_factory=dict)
    untold: dict[tuple[str, int], Ints] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Add what was counted elsewhere with the same reference."""
        for mine, theirs in ((self.slim, other.slim), (self.labels, other.labels)):
            for place, counts in theirs.items():
                _put(mine, place, counts)
        for whole_, counts in other.full.items():
            _put(self.full, whole_, counts)
        for whole_, counts in other.sketches.items():
            _put(self.sketches, whole_, counts)
        for key, counts in other.untold.items():
            _put(self.untold, key, counts)


class FrameCounter:
    """Counts frames against one reference. Single thread."""

    def __init__(self, inputs: FrameInputs, words: Decisions, hashed: KeyedHash | None = None) -> None:
        self.inputs, self._words, self._hashed = inputs, words, hashed
        self.counts = Counts()
        self._width = LATENCY_BINS + 2 * SCORE_BINS + len(inputs.features) + inputs.width + inputs.joint_width

    def take(self, frame: Frame, ood: Ood) -> None:
        """Count one frame. Raises UsageError when there are more windows than can be held."""
        if not frame.n:
            return
        group, wholes = _wholes(frame)
        self._fits(wholes)
        self._take_full(frame, ood, group, wholes)
        flags, scores, of_p = _flags(frame, ood), score_bins(frame.score), p_bins(ood.p)
        labelled = frame.label != NO_LABEL
        whole = np.zeros(frame.n, dtype=np.intp)
        for words, codes in ((("*",), whole), *((one.words, one.codes) for one in frame.dimensions)):
            used, at = ranked(group * len(words) + codes, len(wholes) * len(words))
            table = _slim(flags, scores, of_p, at, used.size)
            for id_, counts in zip(used.tolist(), table, strict=True):
                _put(self.counts.slim, _place(wholes, words, id_), counts)
            if labelled.any():
                used, at = ranked(used[at[labelled]], len(wholes) * len(words))
                for id_, counts in zip(used.tolist(), self._labelled(frame, labelled, at, used.size), strict=True):
                    _put(self.counts.labels, _place(wholes, words, id_), counts)
        self._take_untold(frame, ood, group, wholes)
        if len(self.counts.slim) > MOST_KEYS:
            raise UsageError(
                f"more than {MOST_KEYS} windows of tenants, segments and periods", "logs", "take a longer --every"
            )

    def _fits(self, wholes: list[Whole]) -> None:
        new = sum(one not in self.counts.full for one in wholes)
        if (len(self.counts.full) + new) * self._width > MOST_CELLS:
            what = f"more than {MOST_CELLS // self._width} windows of tenants and periods"
            raise UsageError(what, "logs", "take a longer --every, or name another tenant column")

    def _take_full(self, frame: Frame, ood: Ood, group: Places, wholes: list[Whole]) -> None:
        groups = len(wholes)
        cells, joint = self.inputs.count(frame, group, groups)
        table = np.concatenate(
            [
                _latencies(frame.took_ms, group, groups),
                *group_sums(frame.score, group, groups),
                self._worst(ood, group, groups),
                cells,
                joint,
            ],
            axis=1,
        )
        for whole, counts in zip(wholes, table, strict=True):
            _put(self.counts.full, whole, counts)
        hashed = self._hashed
        if hashed is not None:
            for at, sketch in self.inputs.sketches(frame, group, lambda at: hashed(*wholes[at][1:])):
                _put(self.counts.sketches, wholes[at], sketch)

    def _worst(self, ood: Ood, group: Places, groups: int) -> Ints:
        names = {name: at for at, name in enumerate(self.inputs.features)}
        place = np.array([names.get(word or "", -1) for word in ood.feature.words], dtype=np.intp)[ood.feature.codes]
        told = ood.flag & (place >= 0)
        width = len(self.inputs.features)
        return _table(group[told] * width + place[told], groups, width)

    def _labelled(self, frame: Frame, rows: Marks, at: Places, size: int) -> Ints:
        """As `observe.labels` counts a label: by the score in the fixed point of its receipt."""
        score, label = frame.score[rows], frame.label[rows].astype(np.int64)
        known = np.isfinite(score)
        fixed = np.rint(np.where(known, score, -1.0) * FIXED)
        bins = np.minimum(np.trunc(np.where(known, score, -1.0) * SCORE_BINS), SCORE_BINS - 1).astype(np.intp)
        counts = known & (bins >= 0) & (fixed >= 0) & (fixed <= FIXED)
        share = fixed[counts] / FIXED
        place = at[counts] * SCORE_BINS + bins[counts]
        machine = frame.route.where(MACHINE)[rows]
        answer = np.full(label.size, -1)
        answer[frame.decision.where(self._words.deny)[rows]] = 0
        answer[frame.decision.where(self._words.approve)[rows]] = 1
        parts = [
            _table(place, size, SCORE_BINS),
            _table(place, size, SCORE_BINS, label[counts]),
            _table(place, size, SCORE_BINS, np.rint(share * FIXED)),
            _table(place, size, SCORE_BINS, np.rint(share * (1.0 - share) * FIXED)),
            *(_table(at[some], size, 1) for some in (machine, machine & (answer != label), np.ones_like(machine))),
        ]
        return np.concatenate(parts, axis=1)

    def _take_untold(self, frame: Frame, ood: Ood, group: Places, wholes: list[Whole]) -> None:
        said = {
            "score": ~((frame.score >= 0.0) & (frame.score <= 1.0)),
            "route": ~np.array([bool(word) for word in frame.route.words], dtype=bool)[frame.route.codes],
            "took_ms": np.isnan(frame.took_ms),
            "label": frame.label == NO_LABEL,
            "ood": np.full(frame.n, not ood.asked),
        }
        table = np.stack([np.bincount(group[said[name]], minlength=len(wholes)) for name in UNTOLD], axis=1)
        for (version, _, minute), counts in zip(wholes, table, strict=True):
            _put(self.counts.untold, (version, minute), counts)


def _put(held: dict[Key, Ints], key: Key, counts: Ints) -> None:
    have = held.get(key)
    if have is None:
        held[key] = counts.astype(np.int64)
    else:
        have += counts


def _wholes(frame: Frame) -> tuple[Places, list[Whole]]:
    """(the group of each row, what each group is of)."""
    minutes, at = np.unique(frame.minute, return_inverse=True)
    versions, tenants = frame.version, frame.tenant
    ids = (versions.codes * len(tenants.words) + tenants.codes) * minutes.size + at
    used, group = ranked(ids, len(versions.words) * len(tenants.words) * minutes.size)
    names = []
    for id_ in used.tolist():
        rest, minute = divmod(id_, minutes.size)
        version, tenant = divmod(rest, len(tenants.words))
        names.append((versions.words[version] or "", tenants.words[tenant] or "", int(minutes[minute])))
    return group, names


def _place(wholes: list[Whole], words: tuple[str | None, ...], id_: int) -> Place:
    whole, word = divmod(id_, len(words))
    version, tenant, minute = wholes[whole]
    return (version, tenant, words[word] or "*", minute)


def _table(place: Places, rows: int, columns: int, weights: Ints | Floats | None = None) -> Ints:
    """Sums by place; those of fixed-point numbers stay below 2**53 for two million rows, so that they are exact."""
    counted = np.bincount(place, weights=weights, minlength=rows * columns)
    return np.rint(counted).astype(np.int64).reshape(rows, columns)


def _flags(frame: Frame, ood: Ood) -> tuple[Marks | None, ...]:
    """In the order of FLAGS; None is every row."""
    unseen = np.zeros(frame.n, dtype=bool)
    for marks in frame.unseen.values():
        unseen |= marks
    return (None, ood.flag, unseen, frame.route.where(PERSON), frame.route.where(MACHINE))


def _slim(flags: tuple[Marks | None, ...], scores: Places, of_p: Places, at: Places, size: int) -> Ints:
    parts = [_table(at if marks is None else at[marks], size, 1) for marks in flags]
    told = scores >= 0
    parts.append(_table(at[told] * SCORE_BINS + scores[told], size, SCORE_BINS))
    parts.append(_table(at * OOD_P_BINS + of_p, size, OOD_P_BINS))
    return np.concatenate(parts, axis=1)


def group_sums(score: Floats, group: Places, groups: int) -> tuple[Ints, Ints]:
    """Return what the scores of each group add to its sums of p and of p(1-p): int64[groups, SCORE_BINS] each."""
    bins = score_bins(score)
    told = bins >= 0
    place = group[told] * SCORE_BINS + bins[told]
    sum_p, sum_pq = score_sums(score[told])
    return _table(place, groups, SCORE_BINS, sum_p), _table(place, groups, SCORE_BINS, sum_pq)


def _latencies(took_ms: Floats, group: Places, groups: int) -> Ints:
    """An empty cell is no time."""
    told = ~np.isnan(took_ms)
    return _table(group[told] * LATENCY_BINS + latency_bins(took_ms[told]), groups, LATENCY_BINS)
