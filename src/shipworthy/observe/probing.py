"""Probing: one caller who keeps asking about the same row with a little changed, to learn where the answer turns.

In: rows as keyed 32-bit hashes, one a feature, of one caller after another. Out: how many requests an alarm rests on.
No value gets here; what is held is the last `memory` rows of at most `MOST_CALLERS` callers, as hashes, in memory only.

A request is a *near repeat* when one of the rows held differs from it in exactly one feature, or only in features that
the contract declares mutable (those an attacker can change) while at least one other is there. A row sent again
unchanged is a retry: it teaches nobody anything and counts for nothing.

Honest rows repeat too, where features have few values. How often is measured on rows of the reference, in file order
(so that what belongs together lies together) and against random rows: the null rate is the larger of an upper bound on
the first and the largest share that any of `RINGS` memories has. The memory is the longest whose null rate is at most
`MOST_NULL`; if there is none, probing cannot be told from ordinary traffic here, and nothing is watched.

Each caller has the evidence of `stats.sequential`, floored at 1, twice: against one who does little else, and against
one among others behind the same address (the second bet lies half-way to the null rate, on a log scale); each has half
of the level. While a caller's rows repeat no more often than the reference's, given what is held, alarms come at most
at a rate of `LEVEL` a request, whoever sends it, however many callers there are (a sum of supermartingales). Callers
behind one address are one caller; a caller who spreads over many addresses, or changes many immutable features at once,
is not seen here.

Sources: stateful detection of black-box attacks: Chen, Carlini & Wagner, "Stateful Detection of Black-Box Adversarial
Attacks" (SPAI 2020); keyed fingerprints in place of inputs: Li et al., "Blacklight" (USENIX Security 2022).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.sequential import BET, NULL_RATE, multipliers

LEVEL = 1e-5
MIN_HITS = 5
MOST_CALLERS = 500
MOST_NULL = 0.10
MEMORIES = (64, 32, 16, 8, 4)
RINGS = 50
LEAST_ROWS = 200
TOGETHER = 256  # requests whose halves are compared at once
FEW = 4  # of which each is looked at whole sooner
_FAR = np.iinfo(np.uint16).max  # as many changes as nothing has: there is no row to compare with
Hashes = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
_FLOOR = (0.0, 0)
_NOTHING = [_FLOOR, _FLOOR]
_MIX = 0x9E3779B97F4A7C15  # odd, and its bits look random: 2**64 / the golden ratio


@dataclass(frozen=True, slots=True)
class Watch:
    """How one version is watched: rows held a caller, how often honest rows are near repeats, which features differ."""

    memory: int
    null_rate: float
    mutable: tuple[bool, ...]


@dataclass(slots=True)
class _Caller:
    """`slot`: where the caller's rows lie; `evidence`: of each bet the log, and the hits since it began to grow."""

    slot: int
    evidence: list[tuple[float, int]]
    sent: int = 0


class Probing:
    """The callers of one version. Single thread, bounded: the caller heard of least lately is forgotten.

    A row that one of those held is a near repeat of, or is itself, has one half of its features in common with it, or
    all that are immutable. So halves are compared first, many requests at once; where features are few and halves say
    little, whole rows are compared with all that may be held then. What is left is looked at one by one.
    """

    def __init__(self, watch: Watch, level: float = LEVEL, most: int = MOST_CALLERS) -> None:
        self.watch = watch
        self._most = most
        self._fixed = _fixed(watch.mutable)
        bets = (BET, math.sqrt(BET * watch.null_rate))
        self._alarm = -math.log(level / len(bets))
        self._steps = [tuple(math.log(by) for by in multipliers(watch.null_rate, bet)) for bet in bets]
        self._callers: OrderedDict[str, _Caller] = OrderedDict()
        self._held: _Held | None = None

    def __len__(self) -> int:
        return len(self._callers)

    def add(self, caller: str, row: Sequence[int] | Hashes) -> int:
        """Count one request; return on how many near repeats the alarm rests that it raises, 0 without one."""
        return self.add_many([caller], np.asarray(row, np.uint32)[None])[0]

    def add_many(self, callers: Sequence[str], rows: Hashes) -> list[int]:
        """Count requests (n, d), one after the other; return the same of each."""
        found = [0] * len(callers)
        for start in range(0, len(callers), TOGETHER):
            some = slice(start, start + TOGETHER)
            found[some] = self._added(callers[some], rows[some])
        return found

    def _added(self, callers: Sequence[str], rows: Hashes) -> list[int]:
        held = self._held = self._held or _Held(self.watch.memory, rows.shape[1], self._fixed)
        who = [self._caller(caller, held) for caller in callers]
        slots = np.fromiter([one.slot for one in who], dtype=np.intp, count=len(who))
        alike = held.alike(slots, rows)
        found = [0] * len(who)
        for at, (one, looks_alike) in enumerate(zip(who, alike, strict=True)):
            near = False
            if looks_alike:
                near, known = held.compared(one.slot, one.sent, rows[at])
                if known:
                    continue
            held.keep(one.slot, one.sent, at)
            one.sent += 1
            if near or one.evidence is not _NOTHING:
                found[at] = self._weighed(one, near)
        held.write()
        return found

    def _caller(self, name: str, held: _Held) -> _Caller:
        one = self._callers.get(name)
        if one is None:
            one = self._callers[name] = _Caller(held.room(), _NOTHING)
        self._callers.move_to_end(name)
        if len(self._callers) > self._most:
            held.leave(self._callers.popitem(last=False)[1].slot)
        return one

    def _weighed(self, one: _Caller, near: bool) -> int:
        """Weigh one request; what is not above the floor is nothing."""
        after = []
        for (log_e, hits), (miss, hit) in zip(one.evidence, self._steps, strict=True):
            told = (log_e + hit, hits + 1) if near else (log_e + miss, hits)
            after.append(told if told[0] > 0.0 else _FLOOR)
        alarm = max(hits if log_e >= self._alarm and hits >= MIN_HITS else 0 for log_e, hits in after)
        one.evidence = _NOTHING if alarm or after == _NOTHING else after
        return alarm


class _Held:
    """The last `memory` rows of each caller, in slots. Rows are kept in two steps: noted, then written together."""

    def __init__(self, memory: int, features: int, fixed: Bools) -> None:
        self._memory, self._fixed = memory, fixed
        self._weights = _halves(features, fixed)
        self._rows = np.zeros((0, memory, features), np.uint32)
        self._keys = np.zeros((0, memory, self._weights.shape[1]), np.uint32)
        self._free: list[int] = []
        self._noted: list[tuple[int, int, int]] = []
        self._given, self._given_keys = self._rows[:, 0], self._keys[:, 0]

    def room(self) -> int:
        """Return a slot that nobody has."""
        if not self._free:
            had, more = len(self._rows), max(8, len(self._rows))
            self._rows = np.concatenate([self._rows, np.zeros((more, *self._rows.shape[1:]), np.uint32)])
            self._keys = np.concatenate([self._keys, np.zeros((more, *self._keys.shape[1:]), np.uint32)])
            self._free = list(range(had + more - 1, had - 1, -1))
        return self._free.pop()

    def leave(self, slot: int) -> None:
        """Give a slot back. Whoever gets it sees only rows of its own: those are written later, and over the others."""
        self._free.append(slot)

    def alike(self, slots: Places, rows: Hashes) -> list[bool]:
        """Return which rows may be near one held in their slot, or another of these rows there: those that have a half
        in common with it."""
        keys = (rows.astype(np.uint64) @ self._weights >> np.uint64(32)).astype(np.uint32)
        self._given, self._given_keys = rows, keys
        if len(rows) < FEW:
            return [True] * len(rows)
        found = (self._keys[slots] == keys[:, None]).any(axis=(1, 2))
        for key in keys.T.astype(np.uint64):
            named = slots.astype(np.uint64) << np.uint64(32) | key
            order = np.argsort(named, kind="stable")
            same = np.diff(named[order]) == 0
            found[order[1:][same]] = True
        at = np.flatnonzero(found)
        if len(at) >= FEW:
            found[at] = self._close(slots, rows, at)
        return list(found.tolist())

    def _close(self, slots: Places, rows: Hashes, at: Places) -> Bools:
        """Return which of the rows `at` are near, or are, one held in their slot or an earlier one of these rows."""
        found: Bools = np.logical_or.reduce(_pairs_close(self._rows[slots[at]], rows[at, None], self._fixed), axis=1)
        one, other = np.nonzero((slots[at, None] == slots) & (at[:, None] > np.arange(len(rows))))
        found[one[_pairs_close(rows[other], rows[at[one]], self._fixed)]] = True
        return found

    def compared(self, slot: int, sent: int, row: Hashes) -> tuple[bool, bool]:
        """Return whether a row is a near repeat of one held, and whether it is held already."""
        self.write()
        near, known = _compared(self._rows[slot, :sent], row, self._fixed)
        return bool(near), bool(known)

    def keep(self, slot: int, sent: int, at: int) -> None:
        """Note that row `at` of those given is held from now on."""
        self._noted.append((slot, sent % self._memory, at))

    def write(self) -> None:
        """Write what was noted."""
        if self._noted:
            slots, places, at = zip(*self._noted, strict=True)  # of two rows in one place the last one stays
            self._rows[slots, places] = self._given[at,]
            self._keys[slots, places] = self._given_keys[at,]
            self._noted = []


def watch_of(rows: Hashes, mutable: Sequence[bool], rng: np.random.Generator) -> Watch | None:
    """Return how to watch callers whose honest rows are like `rows` (n, d), None when their probing cannot be told.

    Fewer than `LEAST_ROWS` rows say too little.
    """
    if len(rows) < LEAST_ROWS:
        return None
    for memory in MEMORIES:
        rate = null_rate(rows, mutable, memory, rng)
        if rate <= MOST_NULL:
            return Watch(memory, rate, tuple(mutable))
    return None


def null_rate(rows: Hashes, mutable: Sequence[bool], memory: int, rng: np.random.Generator) -> float:
    """Return how often an honest request is a near repeat of the `memory` rows before it, never less than 1 %."""
    fixed = _fixed(mutable)
    windows = np.arange(memory, len(rows))[:, None] - np.arange(memory, 0, -1)
    hits, n = _counted(rows[windows], rows[memory:], fixed)
    drawn = (rows[rng.choice(len(rows), memory, replace=False)] for _ in range(RINGS))
    shares = [hit / told if told else 1.0 for hit, told in (_counted(ring[None], rows, fixed) for ring in drawn)]
    return max(NULL_RATE, rate_bounds(hits, n)[1] if n else 1.0, *shares)


def _counted(held: Hashes, rows: Hashes, fixed: Bools) -> tuple[int, int]:
    """Return (near repeats, rows that are not held already) of rows (n, d) against what each finds (n or 1, m, d)."""
    near, known = _compared(held, rows, fixed)
    return int((near & ~known).sum()), int((~known).sum())


def _compared(held: Hashes, rows: Hashes, fixed: Bools) -> tuple[Bools, Bools]:
    """Return, for each row (…, d), whether it is a near repeat of one of those it finds held (…, m, d), and whether it
    is among them unchanged."""
    changed = held != rows[..., None, :]
    least = np.add.reduce(changed, axis=-1, dtype=np.uint16).min(axis=-1, initial=_FAR)
    near = least == 1
    if fixed.any():
        near = near | ~changed[..., fixed].any(axis=-1).all(axis=-1)
    return near, least == 0


def _pairs_close(held: Hashes, rows: Hashes, fixed: Bools) -> Bools:
    """Return, for each pair (…, d), whether one is the other or a near repeat of it."""
    changed = held != rows
    close = np.add.reduce(changed, axis=-1, dtype=np.uint16) <= 1
    kept = np.logical_and.reduce(~changed[..., fixed], axis=-1) if fixed.any() else False
    return np.asarray(close | kept, np.bool_)


def _fixed(mutable: Sequence[bool]) -> Bools:
    """Which features must stay for a row to be the same one; none where all may change, or none may."""
    flags = np.array(mutable, np.bool_)
    return ~flags if flags.any() else np.zeros(len(flags), np.bool_)


def _halves(features: int, fixed: Bools) -> npt.NDArray[np.uint64]:
    """Return uint64[d, 2 or 3]: what each half of the features is summed by, and the fixed ones where there are any."""
    at = np.arange(features)
    mixed = (2 * at.astype(np.uint64) + np.uint64(1)) * np.uint64(_MIX)
    first = at < (features + 1) // 2
    parts = [first, ~first, *([fixed] if fixed.any() else [])]
    return np.stack([np.where(part, mixed, np.uint64(0)) for part in parts], axis=1)
