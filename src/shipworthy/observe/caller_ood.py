"""Callers whose requests are out of distribution again and again, while those of others are not.

In: (caller, flagged) of one request after another. Out: on how many flagged requests an alarm rests. Each caller has an
e-process over its flags (null: at most 1 % are flagged, at least 5 hits, `stats.sequential`), so that on honest traffic
alarms come at most at a rate of `LEVEL` a request, whoever sends it.

An alarm is a caller's own doing only where that caller explains at least 80 % of the hour's flagged requests and others
have sent at least 20 (DECISIONS §6): when all callers drift, or there is only one, it is the world that has changed or
nobody can tell, and `ood_repeats` is the alarm for that.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Sequence

from shipworthy.stats.sequential import NULL_RATE, multipliers

LEVEL = 1e-5
MIN_HITS = 5
MOST_CALLERS = 2000
EXPLAINS = 0.8
LEAST_OTHERS = 20
OTHERS = ""  # callers over the limit are counted as one that never alarms


Evidence = tuple[float, int]  # log of the evidence, and the hits since it began to grow
_FLOOR: Evidence = (0.0, 0)
_MISS, _HIT = (math.log(by) for by in multipliers(NULL_RATE))


class CallerOod:
    """The callers of one site. Single thread, bounded: the caller heard of least lately is forgotten."""

    def __init__(self, level: float = LEVEL, most: int = MOST_CALLERS) -> None:
        self._alarm, self._most = -math.log(level), most
        self._states: OrderedDict[str, Evidence] = OrderedDict()
        self._hour = -1
        self._sent: Counter[str] = Counter()
        self._flagged: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._states)

    def add(self, caller: str, flagged: bool, hour: int) -> int:
        """Count one request; return on how many flagged ones the alarm rests that it raises, 0 without one."""
        return self.add_many([caller], [flagged], [hour])[0]

    def add_many(self, callers: Sequence[str], flagged: Sequence[bool], hours: Sequence[int]) -> list[int]:
        """Count requests, one after the other; return the same of each."""
        states, sent, found = self._states, self._sent, [0] * len(callers)
        for at, (caller, flag, hour) in enumerate(zip(callers, flagged, hours, strict=True)):
            if hour != self._hour:
                self._begin(hour)
            sent[caller if caller in sent or len(sent) < self._most else OTHERS] += 1
            before = states.get(caller, _FLOOR)
            if flag:
                found[at] = self._flag(caller, before)
            elif before[0] > 0.0:
                after = before[0] + _MISS
                states[caller] = (after, before[1]) if after > 0.0 else _FLOOR
                found[at] = self._alarmed(caller)
            else:
                states[caller] = _FLOOR  # a miss at the floor leaves it at the floor
            states.move_to_end(caller)
            if len(states) > self._most:
                states.popitem(last=False)
        return found

    def _begin(self, hour: int) -> None:
        self._hour = hour
        self._sent.clear()
        self._flagged.clear()

    def _flag(self, caller: str, before: Evidence) -> int:
        self._flagged[caller if caller in self._sent else OTHERS] += 1
        self._states[caller] = (before[0] + _HIT, before[1] + 1)
        return self._alarmed(caller)

    def _alarmed(self, caller: str) -> int:
        log_e, hits = self._states[caller]
        if log_e < self._alarm or hits < MIN_HITS or not self._explains(caller):
            return 0
        self._states[caller] = _FLOOR
        return hits

    def _explains(self, caller: str) -> bool:
        others = self._sent.total() - self._sent[caller]
        return others >= LEAST_OTHERS and self._flagged[caller] >= EXPLAINS * self._flagged.total()
