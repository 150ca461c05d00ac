"""How long windows and labels stay as fine as they came: the one place of these times, and where a minute is summed.

In: a minute and the cuts. Out: the minute its sum begins at. Pure.

Minutes for two hours, sums of five minutes for a day, hours after that; labels by the minute of their decision for a
day, then by the hour. Heartbeats stay by the minute. No sum reaches across a cut: sums begin anew where people restored
or a version went live. A cut that lies inside a sum made before it was known cannot part it any more; whoever begins
at that cut leaves such a sum out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

HOUR: Final = 60
DAY: Final = 24 * HOUR
MINUTES_FOR: Final = 2 * HOUR
FIVES_FOR: Final = DAY
LABEL_MINUTES_FOR: Final = DAY
KEPT: Final = 31 * DAY  # longer than any window an SLO may name
GRACE: Final = DAY  # the store forgets later than anybody asks or sends
RECEIPTS_FOR: Final = 400 * DAY  # how old a receipt may be that still brings a label
WINDOW_TIERS: Final = ((1, 5, MINUTES_FOR), (5, HOUR, FIVES_FOR))  # from a span, to a span, when this old
LABEL_TIERS: Final = ((1, HOUR, LABEL_MINUTES_FOR),)
ROWS_AT_ONCE: Final = 100  # of one transaction: others wait for it


def bucket(minute: int, span: int, cuts: Sequence[int] = ()) -> int:
    """Return the minute under which a minute is summed: its span's first, or the last cut inside it.

    `cuts` ascend. Summing by five and then by sixty gives what summing by sixty gives.

    >>> [bucket(minute, 60, [130]) for minute in (119, 120, 129, 130, 179, 180)]
    [60, 120, 120, 130, 130, 180]
    """
    first = minute - minute % span
    at = bisect_right(cuts, minute)
    return max(first, cuts[at - 1]) if at else first
