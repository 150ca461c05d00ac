"""What the present stage of a rollout has shown of both arms: the fold of the windows since the stage began.

In: the state, and windows: those of closed minutes as they come, and after a restart those that the store gives back.
Out: `Compared`, after every minute that is over. Nothing is counted here that is not in a window, so nothing is lost
with the process. The store sums old minutes: after a restart those older than two hours are looked at by five minutes,
those older than a day by the hour, as if they had been one look.

A stage counts from its own minute; a later one from the first minute that is wholly its own, so that no request of the
stage before is among its samples.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.facts import RolloutState, WindowSummary
from shipworthy.facts.base import seed_of
from shipworthy.observe.arms import ARMS, Between, by_minute
from shipworthy.observe.compared import Compared, taken
from shipworthy.observe.minutes import minute_of
from shipworthy.respond.moments import moment

MOST_WAITING = 50_000  # windows of a version whose candidate is not loaded here
_UNDER_WAY = ("running", "held")


class Beside:
    """The evidence of one stage. Single thread."""

    def __init__(self) -> None:
        self.since = -1
        self.compared = Compared()
        self._stage: tuple[str, int] | None = None
        self._between = Between("", "", ())
        self._waiting: list[WindowSummary] = []

    def follow(self, rollout: RolloutState | None, minute: int) -> None:
        """Begin anew with another stage or rollout; `minute` is now, for a stage that nobody wrote the begin of."""
        stage = (rollout.id, rollout.stage) if rollout is not None and rollout.status in _UNDER_WAY else None
        if stage == self._stage:
            return
        self._stage, self.compared, self._waiting = stage, Compared(), []
        if rollout is not None and stage is not None:
            self.since = first_minute(rollout, minute)
            self._between = Between(rollout.version, rollout.baseline, rollout.tenants)

    def take(self, windows: Iterable[WindowSummary]) -> None:
        """Keep what belongs to the stage until its minute is looked at."""
        if self._stage is None:
            return
        versions = (self._between.candidate, self._between.baseline)
        self._waiting += [
            one
            for one in windows
            if one.minute >= self.since and one.segment == "*" and one.arm in ARMS and one.version in versions
        ]
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[: len(self._waiting) - MOST_WAITING]

    def look(self) -> Compared:
        """Return the evidence after all windows that came; what comes later for that minute is a look of its own."""
        waiting, self._waiting = self._waiting, []
        for minute, counts in by_minute(waiting, self._between):
            seed = seed_of("beside", *(self._stage or ()), minute)
            self.compared = taken(self.compared, counts, seed)
        return self.compared


def first_minute(rollout: RolloutState, minute: int) -> int:
    """Return the first minute that counts for the present stage."""
    if rollout.stage == 0:
        began = rollout.stage_since or rollout.started_at
        return minute_of(moment(began)) if began else minute
    if not rollout.stage_since:
        return minute
    began_at = moment(rollout.stage_since)
    whole = (began_at.second, began_at.microsecond) == (0, 0)
    return minute_of(began_at) + (0 if whole else 1)
