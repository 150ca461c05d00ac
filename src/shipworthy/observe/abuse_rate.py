"""`abuse_rate`: how many of the requests were abuse, from counts by minute and segment.

In: one request after another, abuse or not. Out: a `Measurement` of source `online`, made from the abuse log's own
counts. A request counts once, however many kinds of abuse it was: n is every request that was answered, or refused as
abuse; hits are those at which abuse was told. A refused request was decided by nobody, so it lies in `*` alone: the
rate of a segment is that of its answered requests. An alarm counts as the one request that raised it. Abuse is of
callers and not of versions: every version that is served is shown the same number.

Minutes are kept one by one until they are closed, then summed under the minute that the caller names (an hour, or the
cut inside it). At most `MOST_SEGMENTS` segments are held; newcomers over that are counted under `__other__`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from shipworthy.facts import Measurement
from shipworthy.observe.measure import rate
from shipworthy.observe.windows import other_of

NAME = "abuse_rate"
MOST_SEGMENTS = 2000
EVERY = 24 * 60
METHOD = "Clopper-Pearson, abuse log"
Counts = list[int]  # n, hits


class AbuseRates:
    """The counts of one site. Single thread, bounded."""

    def __init__(self, most: int = MOST_SEGMENTS) -> None:
        self._most = most
        self._open: defaultdict[tuple[int, str], Counts] = defaultdict(_none)
        self._kept: defaultdict[str, defaultdict[int, Counts]] = defaultdict(lambda: defaultdict(_none))
        self._live: set[str] = {"*"}
        self._forgotten = -EVERY

    def add(self, minute: int, abuse: bool, segments: Sequence[str] = (), n: int = 1) -> None:
        """Count `n` requests in `*` and in each of their segments."""
        for segment in ("*", *segments):
            counts = self._open[minute, self._held(segment)]
            counts[0] += n
            counts[1] += n * abuse

    def roll(self, now_minute: int, bucket: Callable[[int], int]) -> None:
        """Close the minutes before this one: sum each under `bucket(minute)`."""
        for key in [key for key in self._open if key[0] < now_minute]:
            minute, segment = key
            kept = self._kept[segment][bucket(minute)]
            n, hits = self._open.pop(key)
            kept[0] += n
            kept[1] += hits

    def forget(self, before: int) -> None:
        """Drop sums that began before this minute. Once a day is often enough."""
        if before - self._forgotten < EVERY:
            return
        self._forgotten = before
        for segment in list(self._kept):
            for minute in [minute for minute in self._kept[segment] if minute < before]:
                del self._kept[segment][minute]
            if not self._kept[segment]:
                del self._kept[segment]
        self._live = {"*", *self._kept, *(segment for _, segment in self._open)}

    def measured(self, segment: str, start: int, end: int, level: float, silent: Sequence[int] = ()) -> Measurement:
        """Return the rate of [start, end). `silent`: minutes in which a shard said nothing, which make it None."""
        here: dict[int, Counts] = self._kept.get(segment, defaultdict(_none))
        inside = [counts for minute, counts in here.items() if start <= minute < end]
        n, hits = sum(counts[0] for counts in inside), sum(counts[1] for counts in inside)
        return rate(NAME, hits, n, segment=segment, start=start, end=end, silent=silent, level=level, method=METHOD)

    def _held(self, segment: str) -> str:
        if segment not in self._live:
            if len(self._live) >= self._most:
                return other_of(segment)
            self._live.add(segment)
        return segment


def _none() -> Counts:
    return [0, 0]
