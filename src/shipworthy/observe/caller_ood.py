"""Callers whose requests are out of distribution again and again, while those of others are not.

In: (caller, flagged) of one request after another. Out: on how many flagged requests an alarm rests. Each caller has an
e-process over its flags (null: at most 1 % are flagged, at least 5 hits, `stats.sequential`), so that on honest traffic
alarms come at most at a rate of `LEVEL` a request, whoever sends it.

An alarm is a caller's own doing only where that caller explains at least 80 % of the hour's flagged requests and others
have sent at least 20 (DECISIONS §6): when all callers drift, or there is only one, it is the world that has changed or
nobody can tell, and `ood_repeats` is the alarm for that.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

from shipworthy.stats.sequential import NULL_RATE, EState, alarmed, update

LEVEL = 1e-5
MIN_HITS = 5
MOST_CALLERS = 2000
EXPLAINS = 0.8
LEAST_OTHERS = 20
OTHERS = ""  # callers over the limit are counted as one that never alarms


class CallerOod:
    """The callers of one site. Single thread, bounded: the caller heard of least lately is forgotten."""

    def __init__(self, level: float = LEVEL, most: int = MOST_CALLERS) -> None:
        self._level, self._most = level, most
        self._states: OrderedDict[str, EState] = OrderedDict()
        self._hour = -1
        self._sent: Counter[str] = Counter()
        self._flagged: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._states)

    def add(self, caller: str, flagged: bool, hour: int) -> int:
        """Count one request; return on how many flagged ones the alarm rests that it raises, 0 without one."""
        self._count(caller, flagged, hour)
        state = update(self._states.get(caller, EState()), flagged, NULL_RATE)
        self._states[caller] = state
        self._states.move_to_end(caller)
        if len(self._states) > self._most:
            self._states.popitem(last=False)
        if not alarmed(state, self._level, MIN_HITS) or not self._explains(caller):
            return 0
        self._states[caller] = EState()
        return state.hits

    def _count(self, caller: str, flagged: bool, hour: int) -> None:
        if hour != self._hour:
            self._hour = hour
            self._sent.clear()
            self._flagged.clear()
        name = caller if caller in self._sent or len(self._sent) < self._most else OTHERS
        self._sent[name] += 1
        self._flagged[name] += flagged

    def _explains(self, caller: str) -> bool:
        others = self._sent.total() - self._sent[caller]
        return others >= LEAST_OTHERS and self._flagged[caller] >= EXPLAINS * self._flagged.total()
