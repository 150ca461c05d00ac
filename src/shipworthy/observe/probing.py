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
from shipworthy.stats.sequential import BET, NULL_RATE, EState, alarmed, update

LEVEL = 1e-5
MIN_HITS = 5
MOST_CALLERS = 500
MOST_NULL = 0.10
MEMORIES = (64, 32, 16, 8, 4)
RINGS = 50
LEAST_ROWS = 200
_FAR = np.iinfo(np.uint16).max  # as many changes as nothing has: there is no row to compare with
Hashes = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Watch:
    """How one version is watched: rows held a caller, how often honest rows are near repeats, which features differ."""

    memory: int
    null_rate: float
    mutable: tuple[bool, ...]


@dataclass(slots=True)
class _Caller:
    rows: Hashes
    states: list[EState]
    sent: int = 0


class Probing:
    """The callers of one version. Single thread, bounded: the caller heard of least lately is forgotten."""

    def __init__(self, watch: Watch, level: float = LEVEL, most: int = MOST_CALLERS) -> None:
        self.watch = watch
        self._level, self._most = level, most
        self._fixed = _fixed(watch.mutable)
        self._bets = (BET, math.sqrt(BET * watch.null_rate))
        self._callers: OrderedDict[str, _Caller] = OrderedDict()

    def __len__(self) -> int:
        return len(self._callers)

    def add(self, caller: str, row: Sequence[int] | Hashes) -> int:
        """Count one request; return on how many near repeats the alarm rests that it raises, 0 without one."""
        one = self._callers.get(caller)
        if one is None:
            held = np.empty((self.watch.memory, len(row)), np.uint32)
            one = self._callers[caller] = _Caller(held, [EState() for _ in self._bets])
        self._callers.move_to_end(caller)
        if len(self._callers) > self._most:
            self._callers.popitem(last=False)
        hashes = np.asarray(row, np.uint32)
        near, known = _compared(one.rows[: one.sent], hashes, self._fixed)
        if known:
            return 0
        one.rows[one.sent % self.watch.memory] = hashes
        one.sent += 1
        told = zip(one.states, self._bets, strict=True)
        one.states = [update(state, bool(near), self.watch.null_rate, bet) for state, bet in told]
        hits = max(at.hits if alarmed(at, self._level / len(self._bets), MIN_HITS) else 0 for at in one.states)
        if hits:
            one.states = [EState() for _ in self._bets]
        return hits


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


def _fixed(mutable: Sequence[bool]) -> Bools:
    """Which features must stay for a row to be the same one; none where all may change, or none may."""
    flags = np.array(mutable, np.bool_)
    return ~flags if flags.any() else np.zeros(len(flags), np.bool_)
