"""What other controllers may ask about: the one rollout of a site, as it stands at this moment.

In: nothing. Out: `Seen`, handed to the pages by whoever holds the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shipworthy.deploy import plan
from shipworthy.facts import RolloutState
from shipworthy.runtime.outside.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Seen:
    """The rollout of the model `model`. `serving`: its candidate is loaded; `closed`: an order closes it everywhere."""

    model: str
    rollout: RolloutState | None
    stages: tuple[plan.StageLike, ...]
    shown: plan.StageShown | None
    epoch: int
    now: datetime
    serving: bool = False
    closed: bool = False

    def verdict(self, rollout: RolloutState) -> Verdict:
        """Return the verdict of a rollout's present stage."""
        return verdict_of(self.stages, rollout, self.shown, self.now)
