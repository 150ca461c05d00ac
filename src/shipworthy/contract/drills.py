"""The shape of `drills:` in `shipworthy.yaml`: how often the kill switch is practised, and how fast it must be.

In: what the strict reader found. Out: a frozen value, its faults, and a row per loosening: a longer interval, a larger
target, or a drill that nobody runs by itself any more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Literal

from shipworthy.contract.problems import Findings
from shipworthy.facts import Fact
from shipworthy.indicators import window_seconds

_AT = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class Drills(Fact, frozen=True, kw_only=True):
    """`every`: how long a passed drill counts. `kill_within_ms`: when every replica must have taken an order up.

    `run: auto` lets the serving site run a kill drill that is due by itself, from `at` (UTC) on for an hour.
    """

    every: str = "30d"
    kill_within_ms: float = 1000.0
    run: Literal["by_hand", "auto"] = "by_hand"
    at: str = "03:00"

    @property
    def every_s(self) -> float:
        """The interval in seconds; 0 for text that is no duration, so that nothing counts for ever."""
        try:
            return float(window_seconds(self.every) or 0)
        except ValueError:
            return 0.0


def drill_faults(drills: Drills, found: Findings) -> None:
    """Add what is wrong with the section."""
    if drills.every_s <= 0:
        found.add(("drills", "every"), f"no interval: {drills.every!r}", "write such as 30d")
    if not (drills.kill_within_ms > 0 and math.isfinite(drills.kill_within_ms)):
        found.add(("drills", "kill_within_ms"), "kill_within_ms must be above 0", "write milliseconds, such as 1000")
    if not _AT.fullmatch(drills.at):
        found.add(("drills", "at"), f"no time of day: {drills.at!r}", "write it in UTC, such as 03:00")


def drill_rows(old: Drills, new: Drills) -> Iterator[str]:
    """Yield a row per loosening. The hour of the day loosens nothing."""
    if new.every_s > old.every_s:
        yield f"drills: every {old.every} → {new.every}"
    if new.kill_within_ms > old.kill_within_ms:
        yield f"drills: kill_within_ms {old.kill_within_ms:g} → {new.kill_within_ms:g}"
    if old.run == "auto" and new.run != "auto":
        yield f"drills: run {old.run} → {new.run}"
